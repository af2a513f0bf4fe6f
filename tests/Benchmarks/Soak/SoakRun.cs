using System.Diagnostics;
using System.Globalization;

namespace Relay.Benchmarks.Soak;

/// <summary>
/// Does anything leak? Starts relayd as a process of its own, lets random clients use and misuse every feature, come and go
/// in every way, and compares two states in which nobody is there: after a warm-up, and after all of it.
/// </summary>
internal static class SoakRun
{
    // What may differ between the two states, in MiB. The heap is compared after full collections; resident memory also has
    // the allocators' own slack, which does not grow with time.
    private const double HeapBound = 4;
    private const double ResidentBound = 32;
    private const long FilesBound = 8;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(45);

    // Longer than anything lives that the clients leave behind, see the options below.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    // Everything that outlives its client lives briefly, and nothing but the total limit stands in the way of many messages.
    private static readonly string[] Options =
    [
        "--Admission:Total=70", "--Admission:PerIp=1000", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off",
        "--Sessions:MessagesPerMinute=1000000", "--Sessions:BytesPerSecond=1073741824", "--Sessions:BytesBurst=1073741824",
        "--Sessions:PingInterval=2s", "--Sessions:SilenceTimeout=1m", "--Sessions:SendTimeout=5s",
        "--Signaling:PairRequestsPerMinute=100000", "--Signaling:PairRequestsPerMinutePerIp=1000000",
        "--Signaling:PairRequestTimeout=4s",
        "--Rendezvous:DailyPointLifetime=1m",
        "--Channels:UpstreamPerMinute=100000", "--Channels:UpstreamLifetime=3s",
        "--Chunks:CacheLifetime=5s",
    ];

    public static async Task<int> RunAsync(TimeSpan length)
    {
        await using var relay = await RelayUnderLoad.StartAsync(Options);
        var traffic = new SoakTraffic(relay.Port);
        var watch = Stopwatch.StartNew();
        Console.WriteLine(SoakFigures.Header);
        await PlayAsync(relay, traffic, WarmUp, watch);
        var start = await SettleAsync(relay, watch);
        Console.WriteLine($"empty after the warm-up: {start.Row(watch.Elapsed).Trim()}");
        await PlayAsync(relay, traffic, length, watch);
        var end = await SettleAsync(relay, watch);
        Console.WriteLine($"empty at the end:        {end.Row(watch.Elapsed).Trim()}");

        var audit = await relay.VerifyAsync();
        Console.WriteLine($"scenes: {traffic.Summary}");
        var problems = Problems(start, end, traffic, relay).Concat(audit.Ok ? [] : [$"the ledger does not match the open connections: drift {audit.Drift}"]).ToArray();
        foreach (var problem in problems)
        {
            Console.WriteLine($"PROBLEM: {problem}");
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(problems.Length == 0 ? "PASSED" : "FAILED")}: heap {start.HeapMiB:0.0} -> {end.HeapMiB:0.0} MiB (bound +{HeapBound}), "
            + $"RSS {start.ResidentMiB:0.0} -> {end.ResidentMiB:0.0} MiB (bound +{ResidentBound}), open files {start.OpenFiles} -> {end.OpenFiles} (bound +{FilesBound})"));
        return problems.Length == 0 ? 0 : 1;
    }

    private static async Task PlayAsync(RelayUnderLoad relay, SoakTraffic traffic, TimeSpan length, Stopwatch watch)
    {
        using var stop = new CancellationTokenSource(length);
        var playing = traffic.RunAsync(stop.Token);
        var interval = TimeSpan.FromSeconds(Math.Clamp(length.TotalSeconds / 12, 5, 60));
        while (await Task.WhenAny(playing, Task.Delay(interval)) != playing)
        {
            await PrintAsync(relay, watch);
        }

        await playing;
    }

    // Nobody is there any more: every table empties by itself, the latest when what outlives its client has expired.
    private static async Task<SoakFigures> SettleAsync(RelayUnderLoad relay, Stopwatch watch)
    {
        var begun = watch.Elapsed;
        var counts = await PrintAsync(relay, watch);
        while (counts.Left.Any() && watch.Elapsed - begun < Patience)
        {
            await Task.Delay(TimeSpan.FromSeconds(5));
            counts = await PrintAsync(relay, watch);
        }

        // Pools trim what they have not used since the collection before.
        for (var collections = 0; collections < 3; collections++)
        {
            await HeapCollection.CollectAsync(relay.ProcessId);
            await Task.Delay(TimeSpan.FromSeconds(1));
        }

        return new SoakFigures(await relay.StatsAsync());
    }

    private static async Task<SoakFigures> PrintAsync(RelayUnderLoad relay, Stopwatch watch)
    {
        var counts = new SoakFigures(await relay.StatsAsync());
        Console.WriteLine(counts.Row(watch.Elapsed));
        return counts;
    }

    private static IEnumerable<string> Problems(SoakFigures start, SoakFigures end, SoakTraffic traffic, RelayUnderLoad relay)
    {
        var left = start.Left.Select(table => $"after the warm-up: {table.Value} {table.Name}").Concat(end.Left.Select(table => $"at the end: {table.Value} {table.Name}"));
        foreach (var table in left)
        {
            yield return $"a table is not empty {table}";
        }

        if (end.HeapMiB > start.HeapMiB + HeapBound || end.ResidentMiB > start.ResidentMiB + ResidentBound)
        {
            yield return "memory has grown";
        }

        if (end.OpenFiles > start.OpenFiles + FilesBound)
        {
            yield return "files stay open";
        }

        foreach (var failure in traffic.Failures.GroupBy(text => text).OrderByDescending(group => group.Count()).Take(10))
        {
            yield return $"{failure.Count()} times: {failure.Key}";
        }

        foreach (var line in relay.Complaints.Take(10))
        {
            yield return $"the relay logged: {line}";
        }
    }
}
