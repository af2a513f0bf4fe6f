using System.Globalization;
using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile;

/// <summary>One attack on a relay that has honest clients, and what those noticed.</summary>
/// <param name="Attack">What was done.</param>
/// <param name="Done">What the attacker counted.</param>
/// <param name="Calm">The 99th percentile of honest round trips before, in milliseconds.</param>
/// <param name="Attacked">The same meanwhile.</param>
/// <param name="ResidentBefore">Memory of the relay before, in MiB.</param>
/// <param name="ResidentAfter">The same afterwards.</param>
/// <param name="Faults">Promises that were broken to the attacker or beyond it.</param>
internal sealed record AttackTrial(
    Attack Attack, string Done, double Calm, double Attacked, double ResidentBefore, double ResidentAfter, IReadOnlyList<string> Faults)
{
    private const int MaxWaits = 40;

    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(50);

    /// <summary>Runs an attack beside the honest clients, who go on afterwards, as its connections do.</summary>
    public static async Task<AttackTrial> RunAsync(Attack attack, AttackTarget target, HonestReport report, TimeSpan calm)
    {
        var relay = target.Relay;
        report.Restart();
        await Task.Delay(calm);
        var before = P99(report.Restart());
        var resident = ProcessTimes.ResidentMiB(relay.ProcessId);
        target.Begin();
        await Task.Factory.StartNew(() => attack.Run(target), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        for (var patience = MaxWaits; patience > 0 && !report.HasRoundTrips; patience--)
        {
            // A short attack may have fallen between two rounds.
            await Task.Delay(Wait);
        }

        var attacked = P99(report.Restart());
        return new AttackTrial(
            attack, target.Summary, before, attacked, resident, relay.HasExited ? 0 : ProcessTimes.ResidentMiB(relay.ProcessId), [.. target.Faults]);
    }

    /// <summary>Times and memory in a line.</summary>
    public string Times => string.Create(
        CultureInfo.InvariantCulture, $"p99 of honest round trips {Attacked:0.0} ms (calm {Calm:0.0}), RSS {ResidentBefore:0} -> {ResidentAfter:0} MiB");

    private static double P99(double[] times)
    {
        Array.Sort(times);
        return times.Length == 0 ? double.NaN : times[Math.Min((int)(times.Length * 0.99), times.Length - 1)];
    }
}
