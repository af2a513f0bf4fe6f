using System.Diagnostics;
using System.Globalization;
using Relay.AdminApi;
using Relay.Benchmarks.Churn;

namespace Relay.Benchmarks;

/// <summary>
/// Does a frame ever reach a wrong socket, and does anything stay? So many connections that end at every stage, on 2 and on 4 loops of
/// a relayd of its own, see <see cref="Churner"/>. Fails at the first frame that is not its socket's, and unless afterwards nobody is
/// connected, no descriptor is left open and the ledger matches the open connections, or if a garbage collection has stopped the relay for long.
/// </summary>
internal static class ChurnRun
{
    private const int WarmUp = 2_000;

    private static readonly TimeSpan MaxGcPause = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(int connects)
    {
        var problems = 0;
        foreach (var loops in new[] { 2, 4 })
        {
            problems += await RunAsync(connects, loops);
        }

        Console.WriteLine(problems == 0 ? "PASSED" : "FAILED");
        return problems == 0 ? 0 : 1;
    }

    private static async Task<int> RunAsync(int connects, int loops)
    {
        await using var relay = await RelayUnderLoad.StartAsync([.. Churner.Options, $"--Listen:Loops={loops}"]);
        Churner.Run(relay.Port, WarmUp);
        var before = await EmptyAsync(relay, long.MaxValue);
        var watch = Stopwatch.StartNew();
        var result = Churner.Run(relay.Port, connects);
        var took = watch.Elapsed;
        var after = await EmptyAsync(relay, before.Process.OpenFiles);
        var audit = await relay.VerifyAsync();
        var cpu = after.Process.CpuTime.ToTimeSpan() - before.Process.CpuTime.ToTimeSpan();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{loops} loops: {result.Connects:#,0} connects in {took.TotalSeconds:0} s, {result.Connects / took.TotalSeconds:#,0} a second; pairs exchanged {result.Exchanged:#,0} offers "
            + $"in order and sent {result.Sent:#,0} to those who come and go; {result.Proven:#,0} frames named their own socket; relayd used {cpu.TotalSeconds:0} s of CPU; "
            + $"resident {before.Process.ResidentBytes / 1048576.0:0} -> {after.Process.ResidentBytes / 1048576.0:0} MiB, "
            + $"open files {before.Process.OpenFiles} -> {after.Process.OpenFiles}, connected {after.Connections.Current}, drift {audit.Drift}, "
            + $"longest pause of a garbage collection {after.Process.MaxGcPause.ToTimeSpan().TotalMilliseconds:0.0} ms"));
        List<string> problems =
        [
            .. result.Faults,
            .. Problem(after.Connections.Current > 0 || after.Handshakes.Pending > 0, "somebody is still connected"),
            .. Problem(after.Process.OpenFiles > before.Process.OpenFiles, "descriptors stay open"),
            .. Problem(after.Process.MaxGcPause.ToTimeSpan() > MaxGcPause, $"a garbage collection has stopped the relay for more than {MaxGcPause.TotalMilliseconds:0} ms"),
            .. Problem(!audit.Ok, "the ledger does not match the open connections"),
            .. relay.Complaints.Take(10).Select(line => $"the relay logged: {line}"),
        ];
        problems.ForEach(problem => Console.WriteLine($"PROBLEM: {problem}"));
        return problems.Count;
    }

    private static async Task<Stats> EmptyAsync(RelayUnderLoad relay, long openFiles)
    {
        var watch = Stopwatch.StartNew();
        var stats = await relay.StatsAsync();
        while ((stats.Connections.Current > 0 || stats.Handshakes.Pending > 0 || stats.Process.OpenFiles > openFiles) && watch.Elapsed < Patience)
        {
            await Task.Delay(TimeSpan.FromSeconds(1));
            stats = await relay.StatsAsync();
        }

        return stats;
    }

    private static IEnumerable<string> Problem(bool isOne, string text) => isOne ? [text] : [];
}
