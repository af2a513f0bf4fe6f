using System.Globalization;
using CsCheck;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Relay.Cluster;
using Relay.Cluster.V1;
using Server.Tests.Support;

namespace Server.Tests.Cluster;

public sealed class ClusterNodesTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly ListLogger<ClusterNodes> _log = new();
    private readonly List<string> _events = [];
    private readonly ClusterNode _own;
    private readonly ClusterNodes _nodes;

    public ClusterNodesTests()
    {
        _own = new ClusterNode(new ClusterOptions { Node = "own" }, _time);
        _nodes = new ClusterNodes(_own, _time, _log);
        _nodes.Joined += (name, epoch) => _events.Add($"{name} {epoch} joined");
        _nodes.Gone += epoch => _events.Add($"{epoch} gone");
    }

    [Fact]
    public void Hear_ANode_IsListedWithWhatItSays()
    {
        _nodes.Hear(Message("a", 7, new Heartbeat { ProductVersion = "1.2.3", State = "ready", Clients = 5, Peers = 1, TotalLimit = 100, PolicyRevision = 9, RefusedTotal = 4 }));
        Advance(1);

        var node = Assert.Single(_nodes.Snapshot());
        Assert.Equal(("a", 7UL, "1.2.3", "ready"), (node.Name, node.Epoch, node.ProductVersion, node.State));
        Assert.Equal((5, 1, 100, 9, 4), (node.Clients, node.Peers, node.TotalLimit, node.PolicyRevision, node.RefusedTotal));
        Assert.Equal(TimeSpan.FromSeconds(1), node.Silent);
        Assert.True(_nodes.IsHere(7));
    }

    [Fact]
    public void Hear_WhatNoRelaySays_IsShownAsNothingElse()
    {
        _nodes.Hear(Message("a\u001b[31m b", 7, new Heartbeat { ProductVersion = new string('9', 1000), State = "\nready", Clients = -5, SentAt = long.MinValue }));
        _nodes.Hear(Message("", 8));
        _nodes.Hear(Message("zero", 0));
        _nodes.Hear(Message("own", _own.Epoch));

        var node = Assert.Single(_nodes.Snapshot());
        Assert.Equal(("a[31mb", 64, "unknown", 0L), (node.Name, node.ProductVersion.Length, node.State, node.Clients));
    }

    [Fact]
    public void Sweep_SilentForThreeSeconds_IsGoneAndComesBack()
    {
        _nodes.Hear(Message("a", 7));
        Advance(2.5);
        Assert.Equal(1, _nodes.Count);
        Advance(0.5);
        Assert.Equal(0, _nodes.Count);
        _nodes.Hear(Message("a", 7));

        Assert.Equal(["a 7 joined", "7 gone", "a 7 joined"], _events);
    }

    [Fact]
    public void Lost_SilentWithoutAGoodbye_IsRememberedUntilItIsHeardOrAnHourIsOver()
    {
        foreach (var (name, epoch) in new[] { ("a", 1UL), ("b", 2UL), ("c", 3UL), ("d", 4UL) })
        {
            _nodes.Hear(Message(name, epoch));
        }

        _nodes.Leave(4);
        Advance(3);
        Assert.Equal([("a", 3.0), ("b", 3.0), ("c", 3.0)], _nodes.Lost().Select(lost => (lost.Name, lost.Silent.TotalSeconds)));

        // Heard again, started anew, and a goodbye that comes late.
        _nodes.Hear(Message("a", 1));
        _nodes.Hear(Message("b", 9));
        _nodes.Leave(3);
        Assert.Empty(_nodes.Lost());
        Advance(3);
        Assert.Equal(["a", "b"], _nodes.Lost().Select(lost => lost.Name));
        Advance(3596.5);
        Assert.Equal(2, _nodes.Lost().Count);
        Advance(0.5);
        Assert.Empty(_nodes.Lost());
    }

    [Fact]
    public void Sweep_OfARelayThatWasStopped_HearsFirst()
    {
        _nodes.Hear(Message("a", 7));
        _nodes.Hear(Message("b", 8));
        _time.Advance(TimeSpan.FromMinutes(5));
        _nodes.Sweep();
        _nodes.Hear(Message("a", 7));
        Advance(2.5);
        _nodes.Hear(Message("a", 7));
        Assert.Equal(2, _nodes.Count);

        // A moment for what waits, and then the time that everybody has.
        Advance(2.5);
        Assert.Equal(["a 7 joined", "b 8 joined"], _events);
        _nodes.Hear(Message("a", 7));
        Advance(1);
        Assert.Equal(["a 7 joined", "b 8 joined", "8 gone"], _events);
    }

    [Fact]
    public void Hear_ALaterStart_TakesThePlaceOfTheEarlier()
    {
        _nodes.Hear(Message("a", 7));
        _nodes.Hear(Message("a", 9));

        Assert.Equal(["a 7 joined", "7 gone", "a 9 joined"], _events);
        Assert.Empty(Errors);
    }

    [Fact]
    public void Hear_TwoOfOneNameThatLive_AreBothListedAndReportedOnce()
    {
        for (var second = 0; second < 30; second++)
        {
            _nodes.Hear(Message("a", 7));
            _nodes.Hear(Message("a", 9));
            _nodes.Hear(Message("own", 3));
            Advance(1);
        }

        Assert.Equal(["a", "a", "own"], _nodes.Snapshot().Select(node => node.Name));
        Assert.Equal(["a 7 joined", "7 gone", "a 9 joined", "a 7 joined", "own 3 joined"], _events);
        Assert.Matches("There are two relays called (a|own) in the cluster: give one of them another name with Cluster:Node", Assert.Single(Errors));
    }

    [Fact]
    public void Hear_WhatAnEarlierStartOfThisRelaySaidLast_IsNoTwin()
    {
        _nodes.Hear(Message("own", _own.Epoch - 1));

        Assert.Empty(_nodes.Snapshot());
        Assert.Empty(Errors);
    }

    [Fact]
    public void HearIncompatible_IsListedReportedOnceAndCountsForNothing()
    {
        for (var i = 0; i < 3; i++)
        {
            _nodes.HearIncompatible(new Envelope { Node = "old", Epoch = 5, Version = 9, Hello = new Hello() });
        }

        var node = Assert.Single(_nodes.Snapshot());
        Assert.Equal((true, "incompatible", 9U, 0, false), (node.IsIncompatible, node.State, node.MessageVersion, _nodes.Count, _nodes.IsHere(5)));
        Assert.Contains("its messages are ignored until own is upgraded", Assert.Single(Errors), StringComparison.Ordinal);
        Advance(3);
        Assert.Empty(_nodes.Snapshot());
        Assert.Empty(_events);
    }

    [Fact]
    public void Hear_MoreNodesThanThereMayBe_KeepsTheFirst()
    {
        for (var i = 0; i <= ClusterNodes.MaxNodes; i++)
        {
            _nodes.Hear(Message($"n{i}", (ulong)i + 1));
        }

        Assert.Equal(ClusterNodes.MaxNodes, _nodes.Snapshot().Count);
        Assert.Single(Errors);
    }

    [Fact]
    public void Hear_NodesThatComeAndGoByTheThousand_FillNoLog()
    {
        for (var i = 1UL; i <= 10_000; i++)
        {
            _nodes.Hear(Message("a", i));
            _nodes.HearIncompatible(new Envelope { Node = "old", Epoch = i + 100_000, Version = 9, Hello = new Hello() });
        }

        Assert.InRange(_log.Lines.Count, ClusterNodes.MaxNodes, ClusterNodes.MaxNodes * 3);
        Assert.Single(Errors, line => line.Contains("came and went", StringComparison.Ordinal));
        Assert.Equal(2, _nodes.Snapshot().Count);

        Advance(60);
        _nodes.Hear(Message("b", 1));
        Assert.Contains("Node b is in the cluster", _log.Texts[^1], StringComparison.Ordinal);
    }

    [Fact]
    public void Clock_ThatIsAhead_IsOffByTheFastestHeartbeatAndLagsByTheLast()
    {
        foreach (var milliseconds in new[] { 30, 10, 50 })
        {
            var sent = _time.GetUtcNow() + TimeSpan.FromSeconds(2);
            _time.Advance(TimeSpan.FromMilliseconds(milliseconds));
            _nodes.Hear(Message("a", 7, new Heartbeat { SentAt = (long)(sent - DateTimeOffset.UnixEpoch).TotalMicroseconds }));
        }

        var node = Assert.Single(_nodes.Snapshot());
        Assert.Equal((TimeSpan.FromMilliseconds(1990), TimeSpan.FromMilliseconds(40)), (node.ClockOffset, node.Lag));
    }

    /// <summary>Against a model: who was heard within three seconds is here. What the events say is what the list says.</summary>
    [Fact]
    public void Nodes_RandomLives_AreThoseHeardLately() => Gen.Select(Gen.Int[0, 9], Gen.Int[1, 4], Gen.Int[0, 2]).Array[0, 200].Sample(
        steps =>
        {
            var test = new ClusterNodesTests();
            var heard = new Dictionary<ulong, long>();
            foreach (var (step, who, start) in steps)
            {
                // A later start has a higher epoch.
                var epoch = (ulong)(10 * who + start);
                if (step < 5)
                {
                    if (!heard.ContainsKey(epoch))
                    {
                        for (var earlier = epoch - (ulong)start; earlier < epoch; earlier++)
                        {
                            heard.Remove(earlier);
                        }
                    }

                    heard[epoch] = test._time.GetTimestamp();
                    test._nodes.Hear(Message($"n{who}", epoch));
                }
                else if (step == 5)
                {
                    heard.Remove(epoch);
                    test._nodes.Leave(epoch);
                }
                else
                {
                    test.Advance(0.5 * (step - 5));
                    foreach (var (silent, _) in heard.Where(one => test._time.GetElapsedTime(one.Value) >= ClusterNodes.Silence).ToList())
                    {
                        heard.Remove(silent);
                    }
                }

                Assert.Equal(heard.Keys.Order(), test._nodes.Snapshot().Select(node => node.Epoch).Order());
                Assert.Equal(heard.Keys.Order(), test.ByEvents().Order());
            }
        },
        iter: 300);

    private IEnumerable<string> Errors => _log.Lines.Where(line => line.Level == LogLevel.Error).Select(line => line.Text);

    private static Envelope Message(string name, ulong epoch, Heartbeat? heartbeat = null) =>
        new() { Node = name, Epoch = epoch, Version = ClusterNode.Version, Heartbeat = heartbeat ?? new Heartbeat() };

    private void Advance(double seconds)
    {
        for (var left = seconds; left > 0; left -= 0.5)
        {
            _time.Advance(TimeSpan.FromSeconds(0.5));
            _nodes.Sweep();
        }
    }

    private List<ulong> ByEvents()
    {
        var here = new List<ulong>();
        foreach (var parts in _events.Select(text => text.Split(' ')))
        {
            if (parts[^1] == "joined")
            {
                Assert.DoesNotContain(ulong.Parse(parts[1], CultureInfo.InvariantCulture), here);
                here.Add(ulong.Parse(parts[1], CultureInfo.InvariantCulture));
            }
            else
            {
                Assert.True(here.Remove(ulong.Parse(parts[0], CultureInfo.InvariantCulture)));
            }
        }

        return here;
    }
}
