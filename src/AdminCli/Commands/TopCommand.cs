using System.CommandLine;
using Relay.AdminCli.Top;

namespace Relay.AdminCli.Commands;

/// <summary>The relay live on a full screen, and what to do about what is seen there.</summary>
internal static class TopCommand
{
    public const string NoTerminal = "top needs a terminal (over ssh: ssh -t). `relayctl top --once` prints one screen, `relayctl stats --watch` goes on.";

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var interval = new Option<TimeSpan?>("--interval")
        {
            Description = "Time between two snapshots, 100ms to 1h (default 1s). The addresses are listed once a second at most.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--interval", StatsCommand.MinInterval, StatsCommand.MaxInterval),
        };
        var sort = ArgumentParsers.Choice("--sort", IpsCommand.Sorts);
        sort.Description = "The order to begin with: connections (the default), refused or recent.";
        var cidr = new Option<string?>("--cidr") { Description = "Begin with the addresses inside this network.", HelpName = "network" };
        var networks = new Option<bool>("--networks") { Description = "Begin with networks (IPv4 /24, IPv6 /56 and /48) instead of addresses." };
        var once = new Option<bool>("--once") { Description = "Print one screen as plain text, or with -o json as one object, and end. The rates are those of one interval." };
        var command = new ExampleCommand(
            "top",
            "Shows the relay live on a full screen.",
            "Totals against limits, refusals by reason, memory, and the addresses that hold or are refused most; REF/S is how often a second an address is refused now. "
                + $"Keys: {TopKeys.Foot.Replace("  ", ", ", StringComparison.Ordinal)}; nothing is done without a question first. Fits 80 columns and 24 lines and uses more. "
                + "It ends with exit code 0; when the relay stops the code is 1, when it is lost 3.",
            "relayctl top",
            "relayctl top --sort refused                          # who is it",
            "relayctl top --once --sort refused | mail -s relay oncall",
            "relayctl top --once -o json | jq .rates.refused      # refusals a second")
        {
            interval,
            sort,
            cidr,
            networks,
            once,
        };
        command.Validators.Add(result =>
        {
            if (!result.GetValue(once) && result.GetValue(globals.Output) == OutputFormat.Json)
            {
                result.AddError("-o json needs --once; `relayctl stats --watch -o json` goes on.");
            }
            else if (!result.GetValue(once) && !context.Terminal.Redraws)
            {
                result.AddError(NoTerminal);
            }
        });
        return command.WithAction(globals, context, call =>
        {
            var time = call.Options.GetValue(interval) ?? StatsCommand.DefaultInterval;
            var view = new TopView(call.Options.GetValue(sort), call.Options.GetValue(networks), call.Options.GetValue(cidr) ?? "");
            var ascii = !IsUtf8(context.Variable);
            return StatsWatch.FollowAsync(call, time, stream => call.Options.GetValue(once)
                ? TopOnce.RunAsync(call, stream, view, time, ascii)
                : new TopSession(call, view, ascii).RunAsync(stream, time));
        });
    }

    // The first that is set decides, as everywhere.
    private static bool IsUtf8(Func<string, string?> variable) =>
        ((string[])["LC_ALL", "LC_CTYPE", "LANG"]).Select(variable).FirstOrDefault(value => !string.IsNullOrEmpty(value)) is { } locale
        && (locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("UTF8", StringComparison.OrdinalIgnoreCase));
}
