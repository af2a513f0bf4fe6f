using Google.Protobuf.WellKnownTypes;

namespace Relay.Admin;

/// <summary>What the process itself uses.</summary>
internal static class ProcessFigures
{
    private static readonly long FileLimit = ReadFileLimit();

    public static AdminApi.Process Read()
    {
        using var process = System.Diagnostics.Process.GetCurrentProcess();
        return new AdminApi.Process
        {
            ResidentBytes = process.WorkingSet64,
            HeapBytes = GC.GetTotalMemory(forceFullCollection: false),
            CpuTime = Duration.FromTimeSpan(process.TotalProcessorTime),
            OpenFiles = OpenFiles(),
            OpenFilesLimit = FileLimit,
            Threads = process.Threads.Count,
            CollectionsGen2 = GC.CollectionCount(2),
        };
    }

    public static long OpenFiles() =>
        Directory.Exists("/proc/self/fd") ? Directory.EnumerateFileSystemEntries("/proc/self/fd").LongCount() : 0;

    private static long ReadFileLimit()
    {
        // "Max open files            20000                20000                files"
        var line = File.Exists("/proc/self/limits")
            ? File.ReadLines("/proc/self/limits").FirstOrDefault(line => line.StartsWith("Max open files", StringComparison.Ordinal))
            : null;
        return line is not null && long.TryParse(line[14..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0], out var limit) ? limit : 0;
    }
}
