using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests;

public sealed class ClusterCommandTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 1, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Show_ThreeNodes_AreRowsWithASum()
    {
        var lines = Show(new ListNodesResponse
        {
            Cluster = "relay",
            Nodes =
            {
                new Node { Name = "b", Self = true, State = "ready", Version = "0.2.0", Clients = 5, TotalLimit = 100, RefusedTotal = 1, Peers = 2, PolicyRevision = 7, Database = "away", StartedAt = Timestamp.FromDateTimeOffset(Now.AddHours(-1)) },
                new Node
                {
                    Name = "a", State = "draining", Version = "0.2.1", Clients = 6, TotalLimit = 200, RefusedTotal = 2, Peers = 1, PolicyRevision = 6, Database = "up", StartedAt = Timestamp.FromDateTimeOffset(Now.AddMinutes(-1)),
                    Silent = Duration.FromTimeSpan(TimeSpan.FromSeconds(0.4)), Lag = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(3)), ClockOffset = Duration.FromTimeSpan(TimeSpan.FromMilliseconds(-12)),
                },
                new Node { Name = "\u001b[2J", State = "incompatible" },
            },
        });

        Assert.Equal(
            [
                "Cluster relay: 3 nodes.",
                "",
                "NODE STATE VERSION CLIENTS LIMIT REFUSED PEERS REVISION DB UP HEARD LAG CLOCK",
                "b* ready 0.2.0 5 100 1 2 7 away 1h - - -",
                "a draining 0.2.1 6 200 2 1 6 up 1m 0.4s 3ms -12ms",
            ],
            lines[..5]);
        Assert.Contains(" incompatible - 0 0 0 0 0 - never 0.0s 0ms 0ms", lines[5], StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', lines[5]);
        Assert.Equal("all - - 11 300 3 3 - - - - - -", lines[6]);
    }

    [Theory]
    [InlineData("", false, "This relay is alone: Cluster:Nats is empty.")]
    [InlineData("relay", true, "Cluster relay: NATS cannot be reached. This relay serves its own clients alone until it is back.")]
    [InlineData("relay", false, "Cluster relay: no other node is heard.")]
    public void Show_OneNode_SaysWhyItIsAlone(string cluster, bool away, string says)
    {
        var lines = Show(new ListNodesResponse { Cluster = cluster, Away = away, Nodes = { new Node { Name = "a", Self = true, State = "ready" } } });

        Assert.Equal((says, 4), (lines[0], lines.Length));
    }

    private static string[] Show(ListNodesResponse response)
    {
        var text = OutputTests.Table(Terminal.None, OutputFormat.Wide, output => ClusterCommand.Show(output, response, Now));
        return [.. text.TrimEnd('\n').Split('\n').Select(line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)))];
    }
}
