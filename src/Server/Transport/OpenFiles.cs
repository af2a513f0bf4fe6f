namespace Relay.Transport;

/// <summary>File descriptors of this process, each connection being one; 0 where the system does not tell.</summary>
internal static class OpenFiles
{
    /// <summary>How many it may have.</summary>
    public static long Limit { get; } = ReadLimit();

    public static long Count() =>
        Directory.Exists("/proc/self/fd") ? Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount() : 0;

    private static long ReadLimit()
    {
        // "Max open files            20000                20000                files"
        var line = File.Exists("/proc/self/limits")
            ? File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))
            : null;
        return line is not null && long.TryParse(line[14..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], out var limit) ? limit : 0;
    }
}
