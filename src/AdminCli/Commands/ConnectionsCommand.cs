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
        new("ID", ToTheRight: true), new("ADDRESS"), new("KEY"), new("AGE", ToTheRight: true), new("IDLE", ToTheRight: true), new("KIND"),
        new("MSG_IN", ToTheRight: true), new("MSG_OUT", ToTheRight: true), new("BYTES_IN", ToTheRight: true), new("BYTES_OUT", ToTheRight: true),
        new("QUEUED", ToTheRight: true), new("BYTES_QUEUED", ToTheRight: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListConnectionsResponse, Connection>(
            "connections", static response => (response.Connections, response.NextPageToken, response.TotalSize), Columns, static (row, _) => Row(row));
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "age: longest connected first (the default); idle: longest idle first; messages, bytes: most traffic first; queue: longest send queue first.";
        var kind = ArgumentParsers.Choice("--kind", Kinds);
        kind.Description = "all (the default), unregistered, code: with a pairing code, peer: with a peer id.";
        var cidr = NetworkArgument.Filter();
        var command = new ExampleCommand(
            "connections",
            "Lists client sockets one by one.",
            "Address, age, idle time, registration and traffic of each connected client. KEY is what the address is counted as, where that is another (IPv6: its prefix). "
                + "Pairing codes and peer ids are not shown, only whether a client has one.",
            "relayctl connections --sort idle               # the first to go in a drain",
            "relayctl connections --kind unregistered       # clients without a code or peer id",
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
            return list.ShowAsync(call, "No client socket matches.", (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Connections.ListConnectionsAsync(request, call.Unary);
            });
        });
    }

    private static string[] Row(Connection row) =>
    [
        Units.Plain(row.Id),
        Printable.CleanOrUnknown(row.Address),
        row.Key == row.Address ? Units.Unknown : Printable.CleanOrUnknown(row.Key),
        Units.Duration(row.Age),
        Units.Duration(row.Idle),
        (row.HasCode, row.HasPeerId) switch { (true, true) => "code,peer", (true, false) => "code", (false, true) => "peer", _ => "unregistered" },
        Units.Plain(row.MessagesReceived),
        Units.Plain(row.MessagesSent),
        Units.PlainBytes(row.BytesReceived),
        Units.PlainBytes(row.BytesSent),
        Units.Plain(row.QueuedMessages),
        Units.PlainBytes(row.QueuedBytes),
    ];
}
