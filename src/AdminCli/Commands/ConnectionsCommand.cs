using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The client sockets one by one.</summary>
internal static class ConnectionsCommand
{
    private static readonly Dictionary<string, ListConnectionsRequest.Types.Sort> Sorts = new()
    {
        ["age"] = ListConnectionsRequest.Types.Sort.Age,
        ["idle"] = ListConnectionsRequest.Types.Sort.Idle,
        ["messages"] = ListConnectionsRequest.Types.Sort.Messages,
        ["bytes"] = ListConnectionsRequest.Types.Sort.Bytes,
        ["queue"] = ListConnectionsRequest.Types.Sort.Queue,
    };

    private static readonly Dictionary<string, ListConnectionsRequest.Types.Kind> Kinds = new()
    {
        ["all"] = ListConnectionsRequest.Types.Kind.Unspecified,
        ["unregistered"] = ListConnectionsRequest.Types.Kind.Unregistered,
        ["code"] = ListConnectionsRequest.Types.Kind.Code,
        ["peer"] = ListConnectionsRequest.Types.Kind.Peer,
    };

    private static readonly Column[] Columns =
    [
        new("ID", ToTheRight: true), new("ADDRESS"), new("KEY"), new("AGE", ToTheRight: true), new("IDLE", ToTheRight: true), new("KNOWN BY"),
        new("MESSAGES IN", ToTheRight: true), new("OUT", ToTheRight: true), new("BYTES IN", ToTheRight: true), new("OUT", ToTheRight: true),
        new("QUEUED", ToTheRight: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListConnectionsResponse, Connection>(
            "connections", static response => (response.Connections, response.NextPageToken, response.TotalSize), Columns, static (row, _) => Row(row));
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "age: connected the longest first (the default); idle: idle the longest first; messages, bytes: those that send most; queue: those that read least.";
        var kind = ArgumentParsers.Choice("--kind", Kinds);
        kind.Description = "all (the default), unregistered, code: with a pairing code, peer: with a peer id.";
        var cidr = new Option<string?>("--cidr")
        {
            Description = "Only addresses inside this network, such as 203.0.113.0/24 or 2001:db8::/32; a bare address is that address alone.",
            HelpName = "network",
        };
        var command = new ExampleCommand(
            "connections",
            "Lists client sockets one by one.",
            "Who is connected, since when, how idle, what is known of it and how much it sends. Pairing codes and peer ids are not shown, only whether there are any.",
            "relayctl connections --sort idle               # who would go first in a drain",
            "relayctl connections --kind unregistered       # who has not said who it is",
            "relayctl connections --cidr 203.0.113.0/24 --all -o json | jq -r '.connections[].id'")
        {
            list.Top,
            list.All,
            sort,
            kind,
            cidr,
        };
        command.Validators.Add(list.Check);
        return command.WithAction(globals, context, call =>
        {
            var request = new ListConnectionsRequest
            {
                Sort = call.Options.GetValue(sort),
                Kind = call.Options.GetValue(kind),
                Cidr = call.Options.GetValue(cidr) ?? "",
            };
            return list.ShowAsync(call, "No client sockets match.", (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Connections.ListConnectionsAsync(request, call.Unary);
            });
        });
    }

    private static string[] Row(Connection row) =>
    [
        $"{row.Id}",
        Printable.CleanOrUnknown(row.Address),
        row.Key == row.Address ? "" : Printable.Clean(row.Key),
        Units.Duration(row.Age),
        Units.Duration(row.Idle),
        (row.HasCode, row.HasPeerId) switch { (true, true) => "code, peer id", (true, false) => "code", (false, true) => "peer id", _ => "nothing" },
        Units.Count(row.MessagesReceived),
        Units.Count(row.MessagesSent),
        Units.Bytes(row.BytesReceived),
        Units.Bytes(row.BytesSent),
        row.QueuedMessages == 0 ? "" : $"{Units.Count(row.QueuedMessages)} ({Units.Bytes(row.QueuedBytes)})",
    ];
}
