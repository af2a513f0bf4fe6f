using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation.Gossip;

/// <summary>The membership of the first of some servers, told what the others say and do.</summary>
internal sealed class MembershipFixture
{
    public static readonly LocalServer[] Servers = FederationModel.Servers(8);
    public static readonly LocalServer Self = Servers[0];

    private readonly Dictionary<long, long> _sequences = [];

    public MembershipFixture() => Membership = new Membership(Self, new EndpointRule(allowPrivate: false), Time, new Random(1));

    public FakeTimeProvider Time { get; } = new();

    public Membership Membership { get; }

    public List<MemberChanged> Changes { get; } = [];

    public void Link(int server)
    {
        Assert.True(Membership.LinkUp(server, Servers[server].ServerId, Servers[server].Endpoint, ""));
        _sequences[server] = 0;
    }

    public GossipOutcome Receive(int server, GossipBody body) => Membership.Receive(server, MessageOf(server, body));

    public GossipMessage MessageOf(int server, GossipBody body) => new(
        Servers.Length > server ? Servers[server].ServerId : "", _sequences[server] = _sequences.GetValueOrDefault(server) + 1, body, []);

    public List<MembershipAction> Take()
    {
        var actions = new List<MembershipAction>();
        while (Membership.TryTake(out var action))
        {
            actions.Add(action);
        }

        return actions;
    }

    /// <summary>Time passes; some servers answer pings, one says that another is there.</summary>
    public void Run(TimeSpan time, int answering = 0, int alsoAnswering = 0, int reporting = 0)
    {
        Take();
        for (var passed = TimeSpan.Zero; passed < time; passed += GossipLimits.TickInterval)
        {
            Time.Advance(GossipLimits.TickInterval);
            Membership.Tick();
            foreach (var action in Take())
            {
                if (action is MemberChanged change)
                {
                    Changes.Add(change);
                }

                if (action is SendGossip { Body: Ping, Link: var pinged } && (pinged == answering || pinged == alsoAnswering))
                {
                    Receive((int)pinged, new PingAck(0));
                }

                if (action is SendGossip { Body: PingRequest request } asked && reporting > 0 && request.Target == Servers[reporting].ServerId)
                {
                    Receive((int)asked.Link, new PingAck(0, request.Target));
                }
            }
        }
    }

    public MemberState StateOf(int server) => SnapshotOf(server).State;

    public MemberSnapshot SnapshotOf(int server) => Membership.Snapshot().Single(member => member.ServerId == Servers[server].ServerId);

    public static StateSync Sync(params int[] servers) => new([.. servers.Select(RecordOf)]);

    public static MemberRecord RecordOf(int server) => RecordOf(Servers[server]);

    public static MemberRecord RecordOf(LocalServer server) =>
        new(server.ServerId, server.NodeId, server.Endpoint, server.PublicKey, MemberState.Alive, 0, 0, "");
}
