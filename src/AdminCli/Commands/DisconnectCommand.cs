using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Text;
using Relay.AdminApi;
using static Google.Protobuf.WellKnownTypes.TimeExtensions;

namespace Relay.AdminCli.Commands;

/// <summary>Disconnects clients.</summary>
internal static class DisconnectCommand
{
    // From so many sockets on, a person is asked and a script has to say --yes.
    private const int MaxUnasked = 100;

    private const int MaxCloseReason = 123;
    private const int MaxPeerId = 128;
    // All would be everybody, which has to be said otherwise.
    private static readonly Dictionary<string, ListConnectionsRequest.Types.Kind> Kinds =
        ConnectionsCommand.Kinds.Where(kind => kind.Value != ListConnectionsRequest.Types.Kind.Unspecified).ToDictionary();

    private const string CloseCodes = "1000, 1001, 1008, 1011 to 1013 or 3000 to 4999";
    private const string CodeLetters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var id = new Option<long?>("--id") { Description = "The client socket with this id.", HelpName = "id", CustomParser = ArgumentParsers.Whole<long>("--id", 1, long.MaxValue) };
        var cidr = NetworkArgument.Filter("All client sockets of this address or network.");
        var code = new Option<string?>("--code")
        {
            Description = "The client socket with this pairing code.",
            HelpName = "code",
            CustomParser = ArgumentParsers.Text("--code", static text => text.Length == 6 && text.All(CodeLetters.Contains), "a pairing code of 6 letters and digits (A-Z without I and O, 2-9)"),
        };
        var peerId = new Option<string?>("--peer-id")
        {
            Description = "The client socket with this peer id.",
            HelpName = "id",
            CustomParser = ArgumentParsers.Text("--peer-id", static text => text.Length is > 0 and <= MaxPeerId && text.All(IsPeerIdLetter), "1 to 128 letters, digits, '-' or '_'"),
        };
        var subject = SubjectArgument.Create("All client sockets of this subject.");
        var idle = new Option<TimeSpan?>("--idle")
        {
            Description = "Only client sockets that have sent no message for at least this long, 1s to 3650d.",
            HelpName = "time",
            CustomParser = ArgumentParsers.Duration("--idle", TimeSpan.FromSeconds(1), TimeSpan.FromDays(3650), "30s, 10m or 1h"),
        };
        var kind = ArgumentParsers.Choice("--kind", Kinds);
        kind.Description = "Only client sockets of this kind: unregistered, code: with a pairing code, peer: with a peer id.";
        var closeCode = new Option<int?>("--close-code")
        {
            Description = $"Code of the close frame: {CloseCodes} (default 1008).",
            HelpName = "code",
            CustomParser = ReadCloseCode,
        };
        var closeReason = new Option<string?>("--close-reason")
        {
            Description = "Text of the close frame, at most 123 bytes.",
            HelpName = "text",
            CustomParser = ArgumentParsers.Text("--close-reason", static text => Encoding.UTF8.GetByteCount(text) <= MaxCloseReason, "at most 123 bytes long"),
        };
        var reason = ChangeFlags.ReasonOption();
        var dryRun = new Option<bool>("--dry-run") { Description = "Show the client sockets that would be closed, and change nothing." };
        var yes = new Option<bool>("--yes", "-y") { Description = "Do not ask before more than 100 client sockets are closed." };
        var command = new ExampleCommand(
            "disconnect",
            "Disconnects clients.",
            "Closes the client sockets to which everything applies that is given, with a close frame, at most Sessions:EvictionsPerSecond per second. Clients may reconnect at once: ban them to keep them out. "
                + "When more than 100 match, it asks first; a script has to give --yes. Exit code 1 when none matches.",
            "relayctl disconnect --id 4711 --reason 'stuck client'",
            "relayctl disconnect --cidr 203.0.113.0/24 --dry-run",
            "relayctl disconnect --subject alice",
            "relayctl disconnect --idle 1h --kind unregistered --dry-run",
            "relayctl disconnect --peer-id edge-7 --close-code 4000 --close-reason 'moved away'")
        {
            id,
            cidr,
            code,
            peerId,
            subject,
            idle,
            kind,
            closeCode,
            closeReason,
            reason,
            dryRun,
            yes,
        };
        command.Validators.Add(result =>
        {
            var selectors = new Option[] { id, cidr, code, peerId, subject }.Count(option => result.GetResult(option) is not null);
            if (selectors > 1)
            {
                result.AddError("Give only one of --id, --cidr, --code, --peer-id and --subject.");
            }
            else if (selectors == 0 && result.GetResult(idle) is null && result.GetResult(kind) is null or { Implicit: true })
            {
                result.AddError("Give --id, --cidr, --code, --peer-id, --subject, --idle or --kind.");
            }
        });
        return command.WithAction(globals, context, call =>
        {
            var request = new DisconnectRequest
            {
                CloseCode = call.Options.GetValue(closeCode) ?? 0,
                CloseReason = call.Options.GetValue(closeReason) ?? "",
                Reason = call.Options.GetValue(reason) ?? "",
                DryRun = call.Options.GetValue(dryRun),
                Idle = call.Options.GetValue(idle)?.ToDuration(),
                Kind = call.Options.GetValue(kind),
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
            else if (call.Options.GetValue(subject) is { } name)
            {
                request.Subject = name;
            }
            else if (call.Options.GetValue(peerId) is { } peer)
            {
                request.PeerId = peer;
            }

            return RunAsync(call, request, isSure: call.Options.GetValue(yes));
        });
    }

    private static async Task<int> RunAsync(AdminCall call, DisconnectRequest request, bool isSure)
    {
        // One with an id or a name is at most one.
        if (!isSure && !request.DryRun && !request.HasId && !request.HasPairingCode && !request.HasPeerId && await AskAsync(call, request) is { } answer)
        {
            return answer;
        }

        var response = await call.Connection.Connections.DisconnectAsync(request, call.Unary);
        call.Output.Answer(response, () => Print(call.Output, response, request.DryRun));

        return response.Connections == 0 ? ExitCodes.Rejected : ExitCodes.Ok;
    }

    // Null: go on.
    private static async Task<int?> AskAsync(AdminCall call, DisconnectRequest request)
    {
        var matching = (await call.Connection.Connections.DisconnectAsync(new DisconnectRequest(request) { DryRun = true }, call.Unary)).Connections;
        if (matching <= MaxUnasked)
        {
            return null;
        }

        if (call.Context.Input?.Invoke() is not { } person)
        {
            call.Error.WriteLine($"{Units.Count(matching)} client sockets match: give --yes to close more than {MaxUnasked} without being asked. Nothing was changed.");
            return ExitCodes.Usage;
        }

        call.Error.Write($"Disconnect {Units.Count(matching)} client sockets? [y/N] ");
        await call.Error.FlushAsync(call.Cancel);
        if ((await person.ReadLineAsync(call.Cancel).AsTask().WaitAsync(call.Cancel))?.Trim() is "y" or "Y" or "yes")
        {
            return null;
        }

        call.Error.WriteLine("Nothing was changed.");
        return ExitCodes.Rejected;
    }

    private static int? ReadCloseCode(ArgumentResult argument)
    {
        var text = argument.Tokens[0].Value;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var code)
            && code is 1000 or 1001 or 1008 or (>= 1011 and <= 1013) or (>= 3000 and <= 4999))
        {
            return code;
        }

        argument.AddError($"--close-code must be {CloseCodes}, not '{Printable.Clean(text)}'.");
        return null;
    }

    private static bool IsPeerIdLetter(char letter) => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_';

    private static void Print(Output output, DisconnectResponse response, bool isDryRun)
    {
        var noun = response.Connections == 1 ? "client socket" : "client sockets";
        output.Line(response.Connections == 0 ? "No client socket matches."
            : isDryRun ? $"{Units.Count(response.Connections)} {noun} would be closed. Dry run: nothing was changed."
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
