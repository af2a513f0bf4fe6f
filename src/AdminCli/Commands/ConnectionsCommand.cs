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

    public static readonly IReadOnlyDictionary<string, ListConnectionsRequest.Types.Kind> Kinds = new Dictionary<string, ListConnectionsRequest.Types.Kind>
    {
        ["all"] = ListConnectionsRequest.Types.Kind.Unspecified,
        ["unregistered"] = ListConnectionsRequest.Types.Kind.Unregistered,
        ["code"] = ListConnectionsRequest.Types.Kind.Code,
        ["peer"] = ListConnectionsRequest.Types.Kind.Peer,
    };

    private static readonly Column[] Columns =
    [
        new("NODE", IfAny: true), new("ID", ToTheRight: true), new("ADDRESS"), new("KEY"), new("AGE", ToTheRight: true), new("IDLE", ToTheRight: true), new("KIND"),
        new("MSG_IN", ToTheRight: true), new("MSG_OUT", ToTheRight: true), new("BYTES_IN", ToTheRight: true), new("BYTES_OUT", ToTheRight: true),
        new("QUEUED", ToTheRight: true), new("BYTES_QUEUED", ToTheRight: true, Wide: true),
        new("SUBJECT", IfAny: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListConnectionsResponse, Connection>(
            "connections", ListConnectionsResponse.ConnectionsFieldNumber, static response => (response.Connections, response.NextPageToken, response.TotalSize), Columns, static (row, _) => Row(row), Tidy);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "age: longest connected first (the default); idle: longest idle first; messages, bytes: most traffic first; queue: longest send queue first.";
        var kind = ArgumentParsers.Choice("--kind", Kinds);
        kind.Description = "all (the default), unregistered, code: with a pairing code, peer: with a peer id.";
        var cidr = NetworkArgument.Filter();
        var cluster = ClusterText.Option("Those of all nodes of the cluster, the first 100,000 at most. A node that does not answer within 2 s is named, on stderr or in the field missing.");
        var command = new ExampleCommand(
            "connections",
            "Lists client sockets one by one.",
            "Address, age, idle time, registration and traffic of each connected client. KEY is what the address is counted as, where that is another (IPv6: its prefix). "
                + "Pairing codes and peer ids are not shown, only whether a client has one.",
            "relayctl connections --sort idle               # the first to go in a drain",
            "relayctl connections --kind unregistered       # clients without a code or peer id",
            "relayctl connections --cluster --sort bytes    # those with most traffic on all nodes",
            "relayctl connections --cidr 203.0.113.0/24 --all -o json | jq -r '.connections[].id'")
        {
            list.Top,
            list.All,
            sort,
            kind,
            cidr,
            cluster,
        };
        command.Validators.Add(list.Check);
        return command.WithWatch(globals, context, call =>
        {
            var request = new ListConnectionsRequest
            {
                Sort = call.Options.GetValue(sort),
                Kind = call.Options.GetValue(kind),
                Cidr = call.Options.GetValue(cidr) ?? "",
                Cluster = call.Options.GetValue(cluster),
            };
            return list.ShowAsync(call, "No client socket matches.", (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Connections.ListConnectionsAsync(request, call.Unary);
            });
        });
    }

    // The pages of one list were answered one after another, perhaps without the same node each time.
    private static void Tidy(AdminCall call, ListConnectionsResponse listed)
    {
        var missing = listed.Missing.Reverse().DistinctBy(node => node.Node).Reverse().ToArray();
        listed.Missing.Clear();
        listed.Missing.AddRange(missing);
        ClusterText.TellMissing(call, missing);
        if (listed.Truncated && !call.Output.IsJson)
        {
            call.Error.WriteLine($"Only the first {Units.Count(listed.Connections.Count)} of {Units.Count(listed.TotalSize)} client sockets are listed; ask each node for its own.");
        }
    }

    private static string[] Row(Connection row) =>
    [
        Printable.Word(row.Node),
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
        Printable.CleanOrUnknown(row.Subject),
    ];
}
