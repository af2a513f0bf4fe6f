using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The peer servers that are connected.</summary>
internal static class PeersCommand
{
    private static readonly Column[] Columns =
    [
        new("SERVER"), new("ENDPOINT"), new("REGION"), new("ADDRESS"), new("CONNECTED"), new("LAST SEEN"), new("FRAMES", ToTheRight: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "peers",
            "Lists the peer servers that are connected.",
            "The peer servers whose handshake was proven and whose link is open. Endpoint and region are what the peer says of itself; the address is where its socket came from.",
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
        Printable.CleanOrUnknown(peer.Endpoint),
        Printable.CleanOrUnknown(peer.Region),
        Printable.CleanOrUnknown(peer.Address),
        Units.Ago(peer.ConnectedAt, now),
        Units.Ago(peer.LastSeen, now),
        Units.Count(peer.FramesReceived),
    ];
}
