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
        var cidr = new Option<string?>("--cidr")
        {
            Description = "Only addresses inside this network, such as 203.0.113.0/24 or 2001:db8::/32; a bare address is that address alone.",
            HelpName = "network",
        };
        var past = new Option<int?>("--last")
        {
            Description = "Begin with so many decisions of the past, 0 to 1000; 10 otherwise.",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--last", 0, 1000),
        };
        var json = new Option<bool>("--json") { Description = "The same as --output json: one object a line." };
        var command = new ExampleCommand(
            "tail",
            "Shows decisions as they happen.",
            "One line for each client that is let in or refused, until Ctrl-C. Of one key at most ten admissions and ten refusals in ten seconds are told; "
                + "the line after says how many were left out, so that a flood does not drown everybody else.",
            "relayctl tail                                 # everything",
            "relayctl tail --refused --cidr 203.0.113.0/24 # who of that network is refused, and why",
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
            // Sent before there is anything to tell.
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

            call.Error.WriteLine("The relay ended the tail: it is stopping.");
            return ExitCodes.Refused;
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
