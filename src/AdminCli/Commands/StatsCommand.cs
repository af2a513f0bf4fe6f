using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>One snapshot of the relay, or one after the other.</summary>
internal static class StatsCommand
{
    public static readonly TimeSpan DefaultInterval = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);
    public static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var watch = new Option<bool>("--watch", "-w")
        {
            Description = "Keep showing: redrawn in place on a terminal, one line per interval into a pipe (one object per line with -o json). "
                + "Reconnects when the relay is lost. Ctrl-C ends it with exit code 0.",
        };
        var interval = new Option<TimeSpan?>("--interval")
        {
            Description = "Time between two snapshots with --watch, 100ms to 1h (default 1s). A slow reader gets fewer snapshots, never old ones.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--interval", MinInterval, MaxInterval),
        };
        var exitOnLoss = StatsFeed.ExitOnLoss();
        var command = new ExampleCommand(
            "stats",
            "Shows the state of the relay: once, or continuously with --watch.",
            "Connections against limits, refusals, pairing, traffic, peers, the process and the ledger check, taken at one moment. "
                + "Counters count since the relay started; bytes are in KiB, MiB, GiB (powers of 1024); rates are per second, from the second snapshot of a watch on.",
            "relayctl stats                              # one snapshot",
            "relayctl stats --watch --interval 5s        # redrawn every five seconds",
            "relayctl stats --watch >> relay.log         # one line a second with rates",
            "relayctl stats -o json | jq .ledger.drift   # 0 when the ledger matches the open sockets")
        {
            watch,
            interval,
            exitOnLoss,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(interval) is not null && !result.GetValue(watch))
            {
                result.AddError("--interval requires --watch.");
            }

            if (result.GetValue(exitOnLoss) && !result.GetValue(watch))
            {
                result.AddError("--exit-on-loss requires --watch.");
            }
        });
        return command.WithAction(globals, context, call => call.Options.GetValue(watch)
            ? StatsWatch.RunAsync(call, new StatsFeed(call, call.Options.GetValue(interval) ?? DefaultInterval, call.Options.GetValue(exitOnLoss)))
            : ShowAsync(call));
    }

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var stats = await call.Connection.Admin.GetStatsAsync(new GetStatsRequest(), call.Unary);
        if (call.Output.IsJson)
        {
            call.Output.Json(stats);
        }
        else
        {
            call.Output.Rows(StatsView.Rows(stats, StatsRates.Unknown));
        }

        return ExitCodes.Ok;
    }
}
