using System.Globalization;

namespace Relay.Admission;

/// <summary>Memory at one moment, bytes.</summary>
/// <param name="Limit">What the machine or the control group has, or the collector may take, whichever is least; 0: not known.</param>
/// <param name="Available">What of it can still be had, by this process among others.</param>
/// <param name="InUse">What this process holds on to: resident, without what its collector keeps free for itself.</param>
/// <param name="Spare">What its collector keeps free: it is used before anything more is asked for.</param>
internal readonly record struct MemoryReading(long Limit, long Available, long InUse, long Spare)
{
    private const string Machine = "/proc/meminfo";
    private const string Groups = "/sys/fs/cgroup";

    // Version 1 says "no limit" with a number of about this size: an exbibyte is more than any machine has.
    private const long NoLimit = 1L << 60;

    /// <summary>What of this process is in the machine's memory.</summary>
    public long Resident { get; init; }

    public static MemoryReading Now()
    {
        var heap = GC.GetGCMemoryInfo(GCKind.Any);
        var spare = Math.Max(0, heap.TotalCommittedBytes - GC.GetTotalMemory(forceFullCollection: false));
        var resident = Environment.WorkingSet;
        var inUse = Math.Max(0, resident - spare);
        var (limit, available) = File.Exists(Machine)
            ? OfMachine(File.ReadAllText(Machine))
            : (heap.TotalAvailableMemoryBytes, Math.Max(0, heap.TotalAvailableMemoryBytes - heap.MemoryLoadBytes));
        foreach (var (folder, max, current) in GroupsOf(Groups, File.Exists("/proc/self/cgroup") ? File.ReadAllText("/proc/self/cgroup") : ""))
        {
            if (OfGroup(Read(folder, max), Read(folder, current), Read(folder, "memory.stat")) is { } own)
            {
                (limit, available) = (Math.Min(limit, own.Limit), Math.Min(available, own.Available));
            }
        }

        // In a group with a limit the collector takes three quarters of it at most, and throws rather than take more.
        var heapLeft = Math.Max(0, heap.TotalAvailableMemoryBytes - heap.TotalCommittedBytes);
        return new MemoryReading(Math.Min(limit, heap.TotalAvailableMemoryBytes), Math.Min(available, heapLeft), inUse, spare) { Resident = resident };
    }

    /// <summary>Total and available memory, from the text of /proc/meminfo; zeros when it has neither.</summary>
    public static (long Limit, long Available) OfMachine(string text) => (Field(text, "MemTotal:") * 1024, Field(text, "MemAvailable:") * 1024);

    /// <summary>
    /// Limit and what is left of a control group: unused file pages can be reclaimed and count as available. Null: it
    /// has no limit.
    /// </summary>
    public static (long Limit, long Available)? OfGroup(string max, string current, string stat) =>
        long.TryParse(max, NumberStyles.None, CultureInfo.InvariantCulture, out var limit)
        && limit < NoLimit
        && long.TryParse(current, NumberStyles.None, CultureInfo.InvariantCulture, out var used)
            ? (limit, Math.Max(0, limit - used + Math.Max(Field(stat, "inactive_file"), Field(stat, "total_inactive_file"))))
            : null;

    /// <summary>
    /// The folders of this process's control group and of all above it, with the names of their limit and of what is used,
    /// from the text of /proc/self/cgroup.
    /// </summary>
    public static IEnumerable<(string Folder, string Max, string Current)> GroupsOf(string root, string text)
    {
        foreach (var line in text.Split('\n'))
        {
            // "0::/system.slice/relayd.service", or in version 1 "4:memory:/docker/4f2a"
            if (line.Split(':', 3) is not [var number, var controllers, ['/', ..] path])
            {
                continue;
            }

            if (number == "0" && controllers.Length == 0)
            {
                foreach (var folder in Upwards(path))
                {
                    yield return (root + folder, "memory.max", "memory.current");
                }
            }
            else if (controllers.Split(',').Contains("memory"))
            {
                foreach (var folder in Upwards(path))
                {
                    yield return ($"{root}/memory{folder}", "memory.limit_in_bytes", "memory.usage_in_bytes");
                }
            }
        }
    }

    private static IEnumerable<string> Upwards(string path)
    {
        for (path = path.TrimEnd('/'); path.Length > 0; path = path[..path.LastIndexOf('/')])
        {
            yield return path;
        }

        yield return "";
    }

    private static string Read(string folder, string name)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, name)).Trim();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The root group has no such file, and a container may not see the groups above its own: its own is the root then.
            return "";
        }
    }

    private static long Field(string text, string name)
    {
        foreach (var line in text.AsSpan().EnumerateLines())
        {
            if (line.StartsWith(name) && line.Length > name.Length && (name[^1] == ':' || line[name.Length] == ' '))
            {
                var value = line[name.Length..].Trim();
                var end = value.IndexOf(' ');
                return long.TryParse(end < 0 ? value : value[..end], NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
            }
        }

        return 0;
    }
}
