using System.CommandLine;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Decisions as they happen.</summary>
internal static class TailCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var refused = new Option<bool>("--refused") { Description = "Only refusals." };
        var cidr = NetworkArgument.Filter();
        var past = new Option<int?>("--last")
        {
            Description = "Start with this many past decisions, 0 to 1000 (default 10).",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--last", 0, 1000),
        };
        var json = new Option<bool>("--json") { Description = "Same as -o json: one object per line." };
        var command = new ExampleCommand(
            "tail",
            "Follows admission decisions as they happen.",
            "One line per client that is admitted or refused, until Ctrl-C: time, `admitted` or `refused REASON`, address, and the counts against their limits "
                + "at that moment. Per address at most ten admissions and ten refusals in ten seconds are shown, so that a flood does not drown the rest; the next line "
                + "says how many similar ones were not shown.",
            "relayctl tail                                 # everything",
            "relayctl tail --refused --cidr 203.0.113.0/24 # refusals in one network",
            "relayctl tail --refused --json | jq -r .address")
        {
            refused,
            cidr,
            past,
            json,
        };
        return command.WithAction(globals, context, async call =>
        {
            var request = new TailDecisionsRequest
            {
                Refused = call.Options.GetValue(refused),
                Cidr = call.Options.GetValue(cidr) ?? "",
                Past = call.Options.GetValue(past) ?? 10,
            };
            using var stream = call.Connection.Decisions.TailDecisions(request, cancellationToken: call.Cancel);
            return await PrintAsync(call, stream, call.Output.IsJson || call.Options.GetValue(json));
        });
    }

    private static async Task<int> PrintAsync(AdminCall call, AsyncServerStreamingCall<DecisionEntry> stream, bool json)
    {
        var begun = false;
        try
        {
            // Sent before there is any decision to report.
            await call.SoonAsync(stream.ResponseHeadersAsync, call.Connection.Timeout);
            begun = true;
            while (await stream.ResponseStream.MoveNext(call.Cancel))
            {
                if (json)
                {
                    call.Output.JsonLine(stream.ResponseStream.Current);
                }
                else
                {
                    call.Output.Line(DecisionLine.Format(stream.ResponseStream.Current));
                }

                call.Output.Flush();
            }

            call.Error.WriteLine("The relay is stopping; no more decisions.");
            return ExitCodes.Rejected;
        }
        catch (Exception e) when (begun && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (call.IsInterrupt(e))
        {
            return ExitCodes.Ok;
        }
    }
}
