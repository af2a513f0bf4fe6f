using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The peer servers that are connected, and those that the relay dials.</summary>
internal static class PeersCommand
{
    private static readonly Column[] Columns =
    [
        new("SERVER"), new("DIRECTION"), new("STATE"), new("ENDPOINT"), new("REGION"), new("ADDRESS"), new("CONNECTED", ToTheRight: true),
        new("LAST_SEEN", ToTheRight: true), new("INCARNATION", ToTheRight: true, Wide: true), new("RTT", ToTheRight: true), new("FRAMES", ToTheRight: true, Wide: true), new("ORIGIN", Wide: true), new("FAILURES", ToTheRight: true, Wide: true), new("LAST_WORDS"),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "peers",
            "Lists the connected peer servers, and those that the relay dials.",
            "First the authenticated peer servers with an open link. DIRECTION is out where this relay has dialled, in where the peer has. Endpoint and region are what the peer announces; "
                + "the address is the one at the other end. CONNECTED and LAST_SEEN say how long ago, RTT is the round trip of the last ping. Then the servers without a link: STATE is dialling, "
                + "blocked, or the time to the next attempt, and LAST_WORDS says how the last attempt or link ended.",
            "relayctl peers",
            "relayctl peers -o json | jq -r '.peers[].endpoint'")
            .WithWatch(globals, context, ListAsync);

    private static async Task<int> ListAsync(AdminCall call)
    {
        var response = await call.Connection.Admin.ListPeersAsync(new ListPeersRequest(), call.Unary);
        Show(call.Output, response, call.Context.Clock.GetUtcNow());
        return ExitCodes.Ok;
    }

    internal static void Show(Output output, ListPeersResponse response, DateTimeOffset now)
    {
        output.List(response, [ListPeersResponse.PeersFieldNumber, ListPeersResponse.UnlinkedFieldNumber], () =>
        {
            if (response.Peers.Count == 0 && response.Unlinked.Count == 0)
            {
                output.Line("No peer servers connected.");
            }
            else
            {
                output.Table(Columns, [.. response.Peers.Select(peer => Row(peer, now)), .. response.Unlinked.Select(Row)]);
            }
        });
    }

    internal static string RoundTrip(Duration? time) =>
        time is null ? Units.Unknown : string.Create(CultureInfo.InvariantCulture, $"{time.ToTimeSpan().TotalMilliseconds:0.0}ms");

    private static string[] Row(Peer peer, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(peer.ServerId),
        peer.Dialled ? "out" : "in",
        Printable.Word(peer.State),
        Printable.Word(peer.Endpoint),
        Printable.Word(peer.Region),
        Printable.CleanOrUnknown(peer.Address),
        Units.Since(peer.ConnectedAt, now),
        Units.Since(peer.LastSeen, now),
        Units.Plain(peer.Incarnation),
        RoundTrip(peer.RoundTrip),
        Units.Plain(peer.FramesReceived),
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
    ];

    private static string[] Row(UnlinkedPeer peer) =>
    [
        Printable.CleanOrUnknown(peer.ServerId),
        "out",
        peer.Blocked ? "blocked" : peer.Dialling ? "dialling" : string.Create(CultureInfo.InvariantCulture, $"in {peer.Wait?.ToTimeSpan().TotalSeconds ?? 0:0}s"),
        Printable.Word(peer.Endpoint),
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
        Units.Unknown,
        Printable.Word(peer.Origin),
        Units.Plain(peer.Failures),
        Printable.CleanOrUnknown(peer.LastWords),
    ];
}
