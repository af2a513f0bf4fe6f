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
            Description = "Keep showing: redrawn in place on a terminal, one line per interval into a pipe (with -o json one object per line). "
                + "Ctrl-C ends it with exit code 0; when the relay stops the code is 1, when it is lost 3.",
        };
        var interval = new Option<TimeSpan?>("--interval")
        {
            Description = "Time between two snapshots of a watch, 100ms to 1h (default 1s). A slow reader gets fewer snapshots, never old ones.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--interval", MinInterval, MaxInterval),
        };
        var command = new ExampleCommand(
            "stats",
            "Shows what the relay is doing: once, or again and again.",
            "Connections against limits, refusals, pairing, traffic, peers, the process and the self-audit, read at one moment. "
                + "Counters count since the relay started; bytes are in KiB, MiB, GiB (powers of 1024); rates are per second, known from the second snapshot of a watch on.",
            "relayctl stats                              # one snapshot",
            "relayctl stats --watch --interval 5s        # redrawn every five seconds",
            "relayctl stats --watch >> relay.log         # one line a second with rates",
            "relayctl stats -o json | jq .audit.drift    # \"0\" when all is well (64-bit numbers are strings)")
        {
            watch,
            interval,
        };
        command.Validators.Add(result =>
        {
            if (result.GetResult(interval) is not null && !result.GetValue(watch))
            {
                result.AddError("--interval needs --watch.");
            }
        });
        return command.WithAction(globals, context, call =>
            call.Options.GetValue(watch) ? StatsWatch.RunAsync(call, call.Options.GetValue(interval) ?? DefaultInterval) : ShowAsync(call));
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
