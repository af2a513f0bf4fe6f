using System.CommandLine;
using Relay.AdminCli.Top;

namespace Relay.AdminCli.Commands;

/// <summary>The relay live on a full screen, with disconnects and bans at a key.</summary>
internal static class TopCommand
{
    public const string NoTerminal = "top needs a terminal (over ssh: ssh -t). Use `relayctl top --once` for one screen, `relayctl stats --watch` for continuous output.";

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var interval = WatchFlags.IntervalOption();
        var sort = ArgumentParsers.Choice("--sort", IpsCommand.Sorts);
        sort.Description = "Initial order: connections (the default), refused or recent.";
        var cidr = NetworkArgument.Filter("Show only addresses inside this network at first.");
        var networks = new Option<bool>("--networks") { Description = "Show networks (IPv4 /24, IPv6 /56 and /48) instead of addresses at first." };
        var once = new Option<bool>("--once") { Description = "Print one screen as plain text, or as one object with -o json, and exit. Rates are measured over one interval." };
        var exitOnLoss = WatchFlags.ExitOnLossOption();
        var cluster = ClusterText.Option("All nodes of the cluster: their sum, a line for each, and addresses with their connections on all. What is refused, admitted and disconnected stays this relay's own.");
        var command = new ExampleCommand(
            "top",
            "Monitors the relay live on a full screen.",
            "Connections against limits, refusals by reason, memory, and the addresses with most connections or refusals; REF/S is an address's refusals per second now. "
                + $"Keys: {TopKeys.Foot.Replace("  ", ", ", StringComparison.Ordinal)}; disconnects and bans are confirmed first. Fits 80 columns and 24 lines and uses more. "
                + "When the relay is lost, for example in a restart, it says for how long and reconnects.",
            "relayctl top",
            "relayctl top --sort refused                          # top offenders",
            "relayctl top --cluster",
            "relayctl top --once --sort refused | mail -s relay oncall",
            "relayctl top --once -o json | jq .rates.refused      # refusals per second")
        {
            interval,
            sort,
            cidr,
            networks,
            once,
            exitOnLoss,
            cluster,
        };
        command.Validators.Add(result =>
        {
            WatchFlags.CheckInterval(result, interval, cluster);
            if (!result.GetValue(once) && result.GetValue(globals.Output) is OutputFormat.Json or OutputFormat.JsonLines or OutputFormat.Csv)
            {
                result.AddError("-o json, jsonl and csv require --once; use `relayctl stats --watch -o json` for continuous output.");
            }
            else if (!result.GetValue(once) && !context.Terminal.Redraws)
            {
                result.AddError(NoTerminal);
            }
        });
        return command.WithAction(globals, context, call =>
        {
            var isOnce = call.Options.GetValue(once);
            var feed = new StatsFeed(call, call.Options.GetValue(interval) ?? WatchFlags.DefaultInterval, isOnce || call.Options.GetValue(exitOnLoss), call.Options.GetValue(cluster));
            var view = new TopView(call.Options.GetValue(sort), call.Options.GetValue(networks), call.Options.GetValue(cidr) ?? "", call.Options.GetValue(cluster));
            var ascii = !IsUtf8(context.Variable);
            return feed.FollowAsync(first => isOnce
                ? TopOnce.RunAsync(call, feed, first, view, ascii)
                : new TopSession(call, view, ascii).RunAsync(feed, first));
        });
    }

    // The first that is set decides, as everywhere.
    private static bool IsUtf8(Func<string, string?> variable) =>
        ((string[])["LC_ALL", "LC_CTYPE", "LANG"]).Select(variable).FirstOrDefault(value => !string.IsNullOrEmpty(value)) is { } locale
        && (locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase));
}
