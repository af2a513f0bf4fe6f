using System.CommandLine;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The relays that serve as one.</summary>
internal static class ClusterCommand
{
    private static readonly Column[] Columns =
    [
        new("NODE"), new("STATE"), new("VERSION"), new("CLIENTS", ToTheRight: true), new("LIMIT", ToTheRight: true), new("REFUSED", ToTheRight: true),
        new("PEERS", ToTheRight: true), new("REVISION", ToTheRight: true), new("DB"), new("UP", ToTheRight: true), new("HEARD", ToTheRight: true),
        new("LAG", ToTheRight: true, Wide: true), new("CLOCK", ToTheRight: true, Wide: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "cluster",
            "Lists the nodes of the cluster.",
            "The relay that answers, marked *, and the others that it has heard within the last three seconds, with what they said last. CLIENTS are compared "
                + "with LIMIT on each node; REVISION is that of the policy, the same on all nodes a second after a change; DB says whether the node reaches its database, "
                + "up or away. HEARD says how long ago, LAG how much longer "
                + "the last heartbeat took than the fastest, CLOCK how far the node's clock is ahead. The last row adds up clients, limits, refusals and peers. "
                + "Nodes that became silent within the last hour are named on stderr, or in the field missing.",
            "relayctl cluster",
            "relayctl cluster -o json | jq -r '.nodes[].name'")
            .WithWatch(globals, context, ListAsync);

    private static async Task<int> ListAsync(AdminCall call)
    {
        var response = await call.Connection.Cluster.ListNodesAsync(new ListNodesRequest(), call.Unary);
        Show(call.Output, response, call.Context.Clock.GetUtcNow());
        ClusterText.TellMissing(call, response.Missing);
        return ExitCodes.Ok;
    }

    internal static void Show(Output output, ListNodesResponse response, DateTimeOffset now)
    {
        output.List(response, [ListNodesResponse.NodesFieldNumber], () =>
        {
            output.Line(Summary(response));
            output.Line("");
            var rows = response.Nodes.Select(node => Row(node, now)).ToList();
            if (rows.Count > 1)
            {
                rows.Add(Sums(response.Nodes));
            }

            output.Table(Columns, rows);
        });
    }

    private static string Summary(ListNodesResponse response) =>
        response.Cluster.Length == 0 ? "This relay is alone: Cluster:Nats is empty."
        : response.Away ? $"Cluster {Printable.Clean(response.Cluster)}: NATS cannot be reached. This relay serves its own clients alone until it is back."
        : response.Nodes.Count == 1 ? $"Cluster {Printable.Clean(response.Cluster)}: no other node is heard."
        : $"Cluster {Printable.Clean(response.Cluster)}: {Units.Count(response.Nodes.Count)} nodes.";

    private static string[] Row(Node node, DateTimeOffset now) =>
    [
        Printable.Word(node.Name) + (node.Self ? "*" : ""),
        Printable.Word(node.State),
        Printable.Word(node.Version),
        Units.Plain(node.Clients),
        Units.Plain(node.TotalLimit),
        Units.Plain(node.RefusedTotal),
        Units.Plain(node.Peers),
        Units.Plain(node.PolicyRevision),
        node.Database.Length == 0 ? Units.Unknown : Printable.Word(node.Database),
        Units.Since(node.StartedAt, now),
        node.Self ? Units.Unknown : Seconds(node.Silent),
        node.Self ? Units.Unknown : Milliseconds(node.Lag, "0"),
        node.Self ? Units.Unknown : Milliseconds(node.ClockOffset, "+0;-0;0"),
    ];

    private static string[] Sums(IReadOnlyCollection<Node> nodes)
    {
        var none = Units.Unknown;
        return
        [
            "all", none, none, Units.Plain(nodes.Sum(node => node.Clients)), Units.Plain(nodes.Sum(node => node.TotalLimit)), Units.Plain(nodes.Sum(node => node.RefusedTotal)),
            Units.Plain(nodes.Sum(node => node.Peers)), none, none, none, none, none, none,
        ];
    }

    private static string Seconds(Duration? time) => string.Create(CultureInfo.InvariantCulture, $"{Of(time).TotalSeconds:0.0}s");

    private static string Milliseconds(Duration? time, string format) => $"{Of(time).TotalMilliseconds.ToString(format, CultureInfo.InvariantCulture)}ms";

    private static TimeSpan Of(Duration? time) => time?.ToTimeSpan() ?? TimeSpan.Zero;
}
