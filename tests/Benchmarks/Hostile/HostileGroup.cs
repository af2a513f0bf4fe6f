using System.Globalization;
using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile;

/// <summary>One relay, the honest clients on it, and attacks one after another.</summary>
internal static class HostileGroup
{
    /// <summary>The 99th percentile of honest round trips may be so many times the calm one,</summary>
    private const double MaxTimes = 5;

    /// <summary>or so many milliseconds, whichever is more: attackers, honest clients and relay share one machine.</summary>
    private const double MaxMilliseconds = 100;

    private static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(15);

    /// <summary>Attacks that can share a relay.</summary>
    public static IEnumerable<IReadOnlyList<Attack>> Of(IEnumerable<Attack> attacks) => attacks
        .GroupBy(attack => string.Join(' ', [.. attack.Options, .. attack.Environment.Select(pair => $"{pair}"), .. attack.Wrapper]))
        .Select(group => group.ToList());

    /// <summary>Runs them, and says what went wrong; empty: nobody was hurt.</summary>
    /// <param name="attacks">They share options, environment and wrapper.</param>
    /// <param name="pace">How long and how much.</param>
    /// <param name="options">Of relayd, beside the attacks' own.</param>
    /// <param name="print">Takes the lines that say what happened.</param>
    public static async Task<IReadOnlyList<string>> RunAsync(
        IReadOnlyList<Attack> attacks, HostilePace pace, IEnumerable<string> options, Action<string> print)
    {
        await using var relay = await RelayUnderLoad.StartAsync(
            ["--Log:Format=Json", .. options, .. attacks[0].Options], attacks[0].Environment, attacks[0].Wrapper);
        var report = new HonestReport();
        var faults = new List<string>();
        var targets = new List<AttackTarget>();
        try
        {
            var setting = new HonestSetting(relay, report, pace.OfferInterval, pace.RoundInterval);
            await using var honest = await HonestClients.StartAsync(setting);
            var number = 0;
            foreach (var attack in attacks)
            {
                var target = new AttackTarget(relay, honest, ++number, pace.Length);
                targets.Add(target);
                foreach (var scene in attack.Beside(setting, target))
                {
                    await honest.AddAsync(scene);
                }

                var trial = await AttackTrial.RunAsync(attack, target, report, pace.Calm);
                print($"{attack.Name}: {trial.Done}");
                print($"    {trial.Times}");
                faults.AddRange(trial.Faults.Select(fault => $"{attack.Name}: {fault}"));
                if (pace.JudgesTimes && !attack.StopsTheRelay && !(trial.Attacked <= Math.Max(MaxMilliseconds, trial.Calm * MaxTimes)))
                {
                    faults.Add(string.Create(
                        CultureInfo.InvariantCulture,
                        $"{attack.Name}: round trips took {trial.Attacked:0} ms, more than {MaxMilliseconds:0} ms and {MaxTimes:0} times the calm ones"));
                }
            }

            await honest.FinishAsync();
        }
        catch (HonestFault fault)
        {
            report.Add(fault);
        }

        targets.ForEach(target => target.Dispose());
        print($"    closed: {report.Count(Harm.Closed)}, refused: {report.Count(Harm.Refused)}, lost: {report.Count(Harm.Lost)}");
        faults.AddRange(report.Details);
        faults.AddRange(await StopAsync(relay, print));
        return faults;
    }

    private static async Task<IEnumerable<string>> StopAsync(RelayUnderLoad relay, Action<string> print)
    {
        var code = relay.HasExited ? null : await relay.StopAsync(StopPatience);
        var errors = relay.Complaints.Where(line => !line.Contains("\"LogLevel\":\"Warning\"", StringComparison.Ordinal)).ToList();
        print($"    errors logged: {errors.Count}, exit code at SIGTERM: {code?.ToString(CultureInfo.InvariantCulture) ?? "none"}");
        return
        [
            .. errors.Take(3).Select(line => $"the relay logged: {line[..Math.Min(line.Length, 500)]}"),
            .. code == 0 ? Array.Empty<string>() : [code is null ? "the relay died, or did not stop in time" : $"the relay exited with {code}"],
        ];
    }
}
