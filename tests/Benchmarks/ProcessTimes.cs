using System.Globalization;

namespace Relay.Benchmarks;

/// <summary>What Linux has counted of another process.</summary>
internal static class ProcessTimes
{
    // The unit in which the kernel shows times.
    private const double TicksPerSecond = 100;

    /// <summary>Seconds of processor time so far, user and system.</summary>
    public static double CpuSeconds(int processId)
    {
        // The second field is the program's name and may hold anything; 11 and 12 behind it are the times.
        var text = File.ReadAllText($"/proc/{processId}/stat");
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>MiB of its memory that are resident.</summary>
    public static double ResidentMiB(int processId)
    {
        var line = File.ReadLines($"/proc/{processId}/status").Single(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
        return long.Parse(line.AsSpan(6, line.Length - 6 - " kB".Length).Trim(), CultureInfo.InvariantCulture) / 1024.0;
    }

    /// <summary>Files that it has open, sockets included.</summary>
    public static int OpenFiles(int processId) => Directory.GetFiles($"/proc/{processId}/fd").Length;
}
