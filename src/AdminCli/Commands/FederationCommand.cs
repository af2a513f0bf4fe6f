using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The servers of other operators, and who owns what.</summary>
internal static class FederationCommand
{
    private static readonly Column[] MemberColumns =
    [
        new("SERVER"), new("STATE"), new("LINK"), new("OWNER"), new("INCARNATION", ToTheRight: true, Wide: true), new("RTT", ToTheRight: true),
        new("HEARD", ToTheRight: true), new("REGION"), new("ENDPOINT"), new("DENIAL"),
    ];

    private static readonly Column[] RingColumns = [new("SERVER"), new("SHARE", ToTheRight: true), new("ENDPOINT")];

    private static readonly Column[] BlockedColumns = [new("SERVER"), new("SINCE", ToTheRight: true), new("BY"), new("REASON")];

    public static Command Create(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "federation",
        "Shows and steers the federation with other operators' servers.",
        "Members, the ring that decides which server owns a pairing code, a rendezvous point or a token, and the servers that are blocked. Links and attempts are in `relayctl peers`.",
        "relayctl federation members",
        "relayctl federation owner ABCDEF",
        "relayctl federation block ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg --reason 'sends clients astray'")
    {
        Members(globals, context),
        Ring(globals, context),
        Owner(globals, context),
        Blocked(globals, context),
        Block(globals, context),
        Unblock(globals, context),
        Forget(globals, context),
    };

    internal static void Show(Output output, ListMembersResponse response, DateTimeOffset now)
    {
        output.List(response, [ListMembersResponse.MembersFieldNumber], () =>
        {
            if (!response.IsOn)
            {
                output.Line("Federation is off: Federation:Servers and Federation:Connect name no server, and Federation:Admit is not Any.");
                output.Line("");
            }

            output.Table(MemberColumns, [.. response.Members.Select(member => Row(member, now))]);
        });
    }

    internal static void Show(Output output, GetRingResponse response)
    {
        output.List(response, [GetRingResponse.OwnersFieldNumber], () =>
        {
            output.Line($"Each code or point has {response.ReplicationFactor} owners (fewer if there are fewer servers), by {response.VirtualNodes} virtual nodes for each server.");
            output.Line("");
            output.Table(RingColumns, [.. response.Owners.Select(Row)]);
        });
    }

    internal static void Show(Output output, GetOwnerResponse response)
    {
        output.Answer(response, () => output.Rows(
        [
            .. response.Owners.Select((owner, i) => new StatsRow(i == 0 ? "owner" : "also", Printable.CleanOrUnknown(owner.ServerId) + (owner.Self ? "*" : ""), Printable.Clean(owner.Endpoint))),
            new("clients that register it as a code", response.CodeRedirect.Length > 0 ? $"are redirected to {Printable.Clean(response.CodeRedirect)}" : "stay here"),
            new("clients with it as a point or token", response.RendezvousRedirect.Length > 0 ? $"are redirected to {Printable.Clean(response.RendezvousRedirect)}" : "stay here"),
        ]));
    }

    private static Command Members(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "members",
        "Lists this server and every other that is known.",
        "This server, marked *, first. STATE is what this server saw itself: alive, suspect, failed, left, or unknown where others name a server that it has no link with yet. "
            + "OWNER says whether it owns a part of the ring, which takes a link and an endpoint that is allowed; DENIAL says why an endpoint is not.",
        "relayctl federation members",
        "relayctl federation members -o json | jq -r '.members[] | select(.state == \"failed\") | .serverId'")
        .WithWatch(globals, context, async call =>
        {
            Show(call.Output, await call.Connection.Federation.ListMembersAsync(new ListMembersRequest(), call.Unary), call.Context.Clock.GetUtcNow());
            return ExitCodes.Ok;
        });

    private static Command Ring(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "ring",
        "Shows which servers own codes and points, and how much each.",
        "SHARE is the part of all codes that a server is the first owner of: where it is another server, clients are sent there.",
        "relayctl federation ring")
        .WithWatch(globals, context, async call =>
        {
            Show(call.Output, await call.Connection.Federation.GetRingAsync(new GetRingRequest(), call.Unary));
            return ExitCodes.Ok;
        });

    private static Command Owner(GlobalOptions globals, CommandContext context)
    {
        var text = new Argument<string>("text") { Description = "A pairing code, or a point or token as clients send it." };
        return new ExampleCommand(
            "owner",
            "Says who owns a pairing code, a point or a token, and where clients with it are sent.",
            "The owners in order. A code's clients are sent to the first; points and tokens are kept here if this server is any of them.",
            "relayctl federation owner ABCDEF",
            "relayctl federation owner day_2026-01-01")
        {
            text,
        }.WithAction(globals, context, async call =>
        {
            Show(call.Output, await call.Connection.Federation.GetOwnerAsync(new GetOwnerRequest { Text = call.Options.GetValue(text) ?? "" }, call.Unary));
            return ExitCodes.Ok;
        });
    }

    private static Command Blocked(GlobalOptions globals, CommandContext context) => new ExampleCommand(
        "blocked",
        "Lists the blocked servers.",
        "SINCE says how long ago.",
        "relayctl federation blocked")
        .WithWatch(globals, context, async call =>
        {
            var response = await call.Connection.Federation.ListBlockedServersAsync(new ListBlockedServersRequest(), call.Unary);
            call.Output.List(response, [ListBlockedServersResponse.ServersFieldNumber], () =>
            {
                if (response.Servers.Count == 0)
                {
                    call.Output.Line("No servers blocked.");
                }
                else
                {
                    var now = call.Context.Clock.GetUtcNow();
                    call.Output.Table(BlockedColumns, [.. response.Servers.Select(server => new[]
                    {
                        Printable.CleanOrUnknown(server.ServerId), Units.Since(server.BlockedAt, now), Printable.CleanOrUnknown(server.BlockedBy), Printable.CleanOrUnknown(server.Reason),
                    })]);
                }
            });

            return ExitCodes.Ok;
        });

    private static Command Block(GlobalOptions globals, CommandContext context)
    {
        var (id, reason) = (ServerIdArgument(), ReasonOption());
        return new ExampleCommand(
            "block",
            "Blocks a server: its link is closed, and it is neither admitted nor dialled, also after a restart.",
            "Its codes and points belong to other servers at once. To let it back in: `relayctl federation unblock`.",
            "relayctl federation block ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg --reason 'sends clients astray'")
        {
            id,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var response = await call.Connection.Federation.BlockServerAsync(
                new BlockServerRequest { ServerId = call.Options.GetValue(id) ?? "", Reason = call.Options.GetValue(reason) ?? "" }, call.Unary);
            return Done(call, response, $"Blocked {Printable.Clean(response.Server?.ServerId ?? "")}{(response.WasLinked ? "; its link is closing" : "")}.");
        });
    }

    private static Command Unblock(GlobalOptions globals, CommandContext context)
    {
        var (id, reason) = (ServerIdArgument(), ReasonOption());
        return new ExampleCommand(
            "unblock",
            "Lets a blocked server back in.",
            "It is admitted and dialled again, as the settings say.",
            "relayctl federation unblock ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")
        {
            id,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var response = await call.Connection.Federation.UnblockServerAsync(
                new UnblockServerRequest { ServerId = call.Options.GetValue(id) ?? "", Reason = call.Options.GetValue(reason) ?? "" }, call.Unary);
            return Done(call, response, $"Unblocked {Printable.Clean(response.Server?.ServerId ?? "")}.");
        });
    }

    private static Command Forget(GlobalOptions globals, CommandContext context)
    {
        var (id, reason) = (ServerIdArgument(), ReasonOption());
        return new ExampleCommand(
            "forget",
            "Forgets a server that is gone for good.",
            "Its link is closed, and what is known of it is deleted. It may come back by itself, or when others name it; to keep it out, block it.",
            "relayctl federation forget ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")
        {
            id,
            reason,
        }.WithAction(globals, context, async call =>
        {
            var server = call.Options.GetValue(id) ?? "";
            var response = await call.Connection.Federation.ForgetServerAsync(
                new ForgetServerRequest { ServerId = server, Reason = call.Options.GetValue(reason) ?? "" }, call.Unary);
            return Done(call, response, $"Forgot {Printable.Clean(server)}{(response.WasLinked ? "; its link is closing" : "")}.");
        });
    }

    private static int Done(AdminCall call, Google.Protobuf.IMessage response, string text)
    {
        call.Output.Answer(response, () => call.Output.Line(text));

        return ExitCodes.Ok;
    }

    private static Argument<string> ServerIdArgument() => new("server-id") { Description = "\"ed25519:\" and the key, as `relayctl federation members` shows it." };

    private static Option<string?> ReasonOption() => new("--reason") { Description = "Reason; recorded with your name in the audit log. At most 256 characters.", HelpName = "text" };

    private static string[] Row(Member member, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(member.ServerId) + (member.Self ? "*" : ""),
        Printable.Word(member.State),
        member.Self ? Units.Unknown : member.Linked ? "yes" : "no",
        member.Owner ? "yes" : "no",
        Units.Plain(member.Incarnation),
        PeersCommand.RoundTrip(member.RoundTrip),
        Units.Since(member.LastHeard, now),
        Printable.Word(member.Region),
        Printable.Word(member.Endpoint),
        Printable.CleanOrUnknown(member.EndpointDenial),
    ];

    private static string[] Row(RingOwner owner) =>
    [
        Printable.CleanOrUnknown(owner.ServerId) + (owner.Self ? "*" : ""),
        string.Create(CultureInfo.InvariantCulture, $"{100 * owner.Share:0.0}%"),
        Printable.Word(owner.Endpoint),
    ];
}
