using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Ends client sockets.</summary>
internal static class DisconnectCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var id = new Option<long?>("--id") { Description = "The socket with this number.", HelpName = "number", CustomParser = ArgumentParsers.Whole<long>("--id", 1, long.MaxValue) };
        var cidr = new Option<string?>("--cidr") { Description = "All sockets of this address or network.", HelpName = "network" };
        var code = new Option<string?>("--code") { Description = "The socket that holds this pairing code.", HelpName = "code" };
        var peerId = new Option<string?>("--peer-id") { Description = "The socket that holds this peer id.", HelpName = "id" };
        var closeCode = new Option<int?>("--close-code")
        {
            Description = "Code of the close frame: 1000, 1001, 1008 (the default), 1011 to 1013, 3000 to 4999.",
            HelpName = "number",
            CustomParser = ArgumentParsers.Whole<int>("--close-code", 1000, 4999),
        };
        var closeReason = new Option<string?>("--close-reason") { Description = "Text of the close frame, at most 123 bytes.", HelpName = "text" };
        var reason = new Option<string?>("--reason") { Description = "Why, for the audit.", HelpName = "text" };
        var dryRun = new Option<bool>("--dry-run") { Description = "Say which would be closed and change nothing." };
        var command = new ExampleCommand(
            "disconnect",
            "Ends client sockets.",
            "Closes the sockets that match with a close frame of your choice, at most as many a second as Sessions:EvictionsPerSecond. They may come back at once: to keep them out, ban them.",
            "relayctl disconnect --id 4711 --reason 'stuck client'",
            "relayctl disconnect --cidr 203.0.113.0/24 --dry-run",
            "relayctl disconnect --peer-id edge-7 --close-code 4000 --close-reason 'moved away'")
        {
            id,
            cidr,
            code,
            peerId,
            closeCode,
            closeReason,
            reason,
            dryRun,
        };
        command.Validators.Add(result =>
        {
            if (new Option[] { id, cidr, code, peerId }.Count(option => result.GetResult(option) is not null) != 1)
            {
                result.AddError("Give exactly one of --id, --cidr, --code and --peer-id.");
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            var request = new DisconnectRequest
            {
                CloseCode = call.Options.GetValue(closeCode) ?? 0,
                CloseReason = call.Options.GetValue(closeReason) ?? "",
                Reason = call.Options.GetValue(reason) ?? "",
                DryRun = call.Options.GetValue(dryRun),
            };
            if (call.Options.GetValue(id) is { } number)
            {
                request.Id = number;
            }
            else if (call.Options.GetValue(cidr) is { } network)
            {
                request.Network = network;
            }
            else if (call.Options.GetValue(code) is { } pairingCode)
            {
                request.PairingCode = pairingCode;
            }
            else
            {
                request.PeerId = call.Options.GetValue(peerId);
            }

            var response = await call.Connection.Connections.DisconnectAsync(request, call.Unary);
            if (call.Output.IsJson)
            {
                call.Output.Json(response);
            }
            else
            {
                Print(call.Output, response, request.DryRun);
            }

            return ExitCodes.Ok;
        });
    }

    private static void Print(Output output, DisconnectResponse response, bool isDryRun)
    {
        var noun = response.Connections == 1 ? "socket" : "sockets";
        output.Line(response.Connections == 0 ? "No client socket matches."
            : isDryRun ? $"{Units.Count(response.Connections)} {noun} would be closed; nothing was changed:"
            : $"Closing {Units.Count(response.Connections)} {noun}:");
        foreach (var row in response.Sample)
        {
            output.Line($"  {row.Id}  {Printable.Clean(row.Address)}  connected {Units.Duration(row.Age)}, idle {Units.Duration(row.Idle)}");
        }

        if (response.Connections > response.Sample.Count)
        {
            output.Line($"  and {Units.Count(response.Connections - response.Sample.Count)} more");
        }
    }
}
