using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>One snapshot of the relay, or one after the other.</summary>
internal static class StatsCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var watch = new WatchFlags("one line per interval into a pipe (one object per line with -o json)");
        var cluster = ClusterText.Option("The sum of all nodes of the cluster, and a row for each. A node that does not answer within 2 s is named, on stderr or in the field cluster.missing.");
        var command = new ExampleCommand(
            "stats",
            "Shows the state of the relay: once, or continuously with --watch.",
            "Connections against limits, refusals, pairing, traffic, peers, the process and the ledger check, taken at one moment. "
                + "Counters count since the relay started; bytes are in KiB, MiB, GiB (powers of 1024); rates are per second, from the second snapshot of a watch on.",
            "relayctl stats                              # one snapshot",
            "relayctl stats --watch --interval 5s        # redrawn every five seconds",
            "relayctl stats --watch >> relay.log         # one line a second with rates",
            "relayctl stats --cluster                    # all nodes, asked through this relay",
            "relayctl stats -o json | jq .ledger.drift   # 0 when the ledger matches the open sockets")
        {
            cluster,
        };
        watch.AddTo(command);
        return command.WithAction(globals, context, call => watch.IsOn(call.Options)
            ? StatsWatch.RunAsync(call, new StatsFeed(call, watch.IntervalOf(call.Options), watch.ExitsOnLoss(call.Options), call.Options.GetValue(cluster)))
            : ShowAsync(call, call.Options.GetValue(cluster)));
    }

    private static async Task<int> ShowAsync(AdminCall call, bool ofCluster)
    {
        var stats = await call.Connection.Admin.GetStatsAsync(new GetStatsRequest { Cluster = ofCluster }, call.Unary);
        ClusterText.TellMissing(call, stats.Cluster?.Missing ?? []);
        call.Output.Answer(stats, () => call.Output.Rows(StatsView.Rows(stats, StatsRates.Unknown)));

        return ExitCodes.Ok;
    }
}
