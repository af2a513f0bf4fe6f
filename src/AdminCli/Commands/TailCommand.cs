using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Decisions as they happen.</summary>
internal static class TailCommand
{
    private const int DefaultPast = 10;
    private const int MaxPast = 1000;

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var refused = new Option<bool>("--refused") { Description = "Only refusals." };
        var cidr = NetworkArgument.Filter();
        var past = new Option<int?>("--last")
        {
            Description = "Start with this many past decisions, 0 to 1000 (default 10).",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--last", 0, MaxPast),
        };
        var exitOnLoss = WatchFlags.ExitOnLossOption();
        var command = new ExampleCommand(
            "tail",
            "Follows admission decisions as they happen.",
            "One line per client that is admitted or refused, until Ctrl-C: time, `admitted` or `refused REASON`, address, and the counts against their limits "
                + "at that moment. Per address at most ten admissions and ten refusals in ten seconds are shown, so that a flood does not drown the rest; the next line "
                + "says how many similar ones were not shown. Goes on when the relay was lost, with what it has decided meanwhile.",
            "relayctl tail                                 # everything",
            "relayctl tail --refused --cidr 203.0.113.0/24 # refusals in one network",
            "relayctl tail --refused -o jsonl | jq -r .address")
        {
            refused,
            cidr,
            past,
            exitOnLoss,
        };
        return command.WithAction(globals, context, call =>
        {
            var request = new TailDecisionsRequest { Refused = call.Options.GetValue(refused), Cidr = call.Options.GetValue(cidr) ?? "" };
            return Following.RunAsync(
                call,
                call.Options.GetValue(exitOnLoss),
                again =>
                {
                    request.Past = again ? MaxPast : call.Options.GetValue(past) ?? DefaultPast;
                    return call.Connection.Decisions.TailDecisions(request, cancellationToken: call.Cancel);
                },
                decision => decision.Time,
                decision => call.Output.Entry(decision, () => DecisionLine.Format(decision)));
        });
    }
}
