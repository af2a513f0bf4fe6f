using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The peer servers that are connected.</summary>
internal static class PeersCommand
{
    private static readonly Column[] Columns =
    [
        new("SERVER"), new("ENDPOINT"), new("REGION"), new("ADDRESS"), new("CONNECTED", ToTheRight: true), new("LAST_SEEN", ToTheRight: true), new("FRAMES", ToTheRight: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "peers",
            "Lists the connected peer servers.",
            "Authenticated peer servers with an open link. Endpoint and region are what the peer announces; the address is where it connects from. CONNECTED and LAST_SEEN say how long ago.",
            "relayctl peers",
            "relayctl peers -o json | jq -r '.peers[].endpoint'")
            .WithAction(globals, context, ListAsync);

    private static async Task<int> ListAsync(AdminCall call)
    {
        var response = await call.Connection.Admin.ListPeersAsync(new ListPeersRequest(), call.Unary);
        Show(call.Output, response, call.Context.Clock.GetUtcNow());
        return ExitCodes.Ok;
    }

    internal static void Show(Output output, ListPeersResponse response, DateTimeOffset now)
    {
        if (output.IsJson)
        {
            output.Json(response);
        }
        else if (response.Peers.Count == 0)
        {
            output.Line("No peer servers connected.");
        }
        else
        {
            output.Table(Columns, [.. response.Peers.Select(peer => Row(peer, now))]);
        }
    }

    private static string[] Row(Peer peer, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(peer.ServerId),
        Printable.Word(peer.Endpoint),
        Printable.Word(peer.Region),
        Printable.CleanOrUnknown(peer.Address),
        Units.Since(peer.ConnectedAt, now),
        Units.Since(peer.LastSeen, now),
        Units.Plain(peer.FramesReceived),
    ];
}
