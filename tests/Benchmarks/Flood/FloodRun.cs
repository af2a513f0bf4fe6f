using System.Diagnostics;
using System.Globalization;
using Process = System.Diagnostics.Process;

namespace Relay.Benchmarks.Flood;

/// <summary>
/// What does a flood do to those who are in? 200 pairs exchange 500 messages a second, first in peace, then while another
/// process has refused connections from three addresses made as fast as it can. Fails unless the 99th percentile stays
/// within three times its calm figure, everybody stays connected, and the admin service answers within a second.
/// </summary>
internal static class FloodRun
{
    private const int Pairs = 200;
    private const int PerSecond = 500;
    private const double MaxTimes = 3;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SlowestAdmin = TimeSpan.FromSeconds(1);

    public static async Task<int> RunAsync(TimeSpan length, string[] options)
    {
        await using var relay = await RelayUnderLoad.StartAsync(["--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off", .. options]);
        await using var pairs = await PairTraffic.StartAsync(relay.Port, Pairs, PerSecond);
        await Task.Delay(WarmUp);
        var calm = await MeasureAsync("normal", relay, pairs, length);

        using var flood = Process.Start(new ProcessStartInfo(Environment.ProcessPath!)
        {
            ArgumentList = { "flood-from", relay.Port.ToString(CultureInfo.InvariantCulture), (length + WarmUp).TotalSeconds.ToString(CultureInfo.InvariantCulture) },
            RedirectStandardOutput = true,
        })!;
        await Task.Delay(WarmUp / 2);
        var before = await relay.StatsAsync();
        var cpu = ProcessTimes.CpuSeconds(relay.ProcessId);
        var flooded = await MeasureAsync("flood", relay, pairs, length);
        var after = await relay.StatsAsync();
        cpu = ProcessTimes.CpuSeconds(relay.ProcessId) - cpu;
        await flood.WaitForExitAsync();
        var lost = await pairs.FinishAsync();

        var count = after.Refused.PerIpLimit - before.Refused.PerIpLimit;
        var refused = count / length.TotalSeconds;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"refused {refused:#,0} a second; told so far: {string.Join(", ", after.Overload.RejectionsTotal.Select(way => $"{way.Key} {way.Value:#,0}"))}; relayd used {100 * cpu / length.TotalSeconds:0} % of a processor, {1e6 * cpu / count:0.0} µs for each, the pairs' messages included"));
        Console.WriteLine($"the flood saw: {(await flood.StandardOutput.ReadToEndAsync()).Trim()}");
        List<string> faults =
        [
            .. Fault(flooded.P99 > calm.P99 * MaxTimes, $"p99 rose {flooded.P99 / calm.P99:0.0} times, more than {MaxTimes:0}"),
            .. Fault(pairs.Disconnected > 0, $"{pairs.Disconnected} of the admitted sockets were disconnected"),
            .. Fault(flooded.Admin > SlowestAdmin, "the admin service took more than a second"),
            .. Fault(refused == 0, "nobody was refused: there was no flood"),
            .. Fault(lost > 0, $"{lost} messages did not arrive"),
        ];
        faults.ForEach(fault => Console.WriteLine($"FAILED: {fault}"));
        return faults.Count == 0 ? 0 : 1;
    }

    private static async Task<(double P99, TimeSpan Admin)> MeasureAsync(string name, RelayUnderLoad relay, PairTraffic pairs, TimeSpan length)
    {
        var slowest = TimeSpan.Zero;
        pairs.Restart();
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < length; await Task.Delay(100))
        {
            var call = Stopwatch.GetTimestamp();
            await relay.StatsAsync();
            slowest = TimeSpan.FromTicks(Math.Max(slowest.Ticks, Stopwatch.GetElapsedTime(call).Ticks));
        }

        var times = pairs.Restart();
        Array.Sort(times);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{name,-6} {times.Length:#,0} messages, p50 {At(times, 0.5):0.00} ms, p99 {At(times, 0.99):0.00} ms, worst {At(times, 1):0.00} ms; slowest admin answer {slowest.TotalMilliseconds:0} ms"));
        return (At(times, 0.99), slowest);
    }

    private static double At(double[] sorted, double share) => sorted[Math.Min((int)(sorted.Length * share), sorted.Length - 1)];

    private static IEnumerable<string> Fault(bool isOne, string text) => isOne ? [text] : [];
}
