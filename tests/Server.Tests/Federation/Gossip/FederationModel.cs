using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Identity;

namespace Server.Tests.Federation.Gossip;

/// <summary>
/// Servers of a federation in one process and in simulated time: the real membership of each, and a network between them that delays, loses
/// and partitions. Dialling has a back-off of 1 to 30 s.
/// </summary>
internal sealed class FederationModel
{
    private const int TickMilliseconds = 250;

    private readonly FakeTimeProvider _time = new();
    private readonly PriorityQueue<Action, (long At, long Order)> _events = new();
    private readonly Dictionary<long, (int One, int Other)> _links = [];
    private readonly Random _random;
    private readonly Node[] _nodes;
    private long _now;
    private long _order;
    private long _lastLink;

    public FederationModel(int servers, int seed)
    {
        _random = new Random(seed);
        _nodes = [.. Servers(servers).Select(server => new Node(server))];
        for (var i = 0; i < servers; i++)
        {
            Start(i);
            Tick(i, _random.Next(TickMilliseconds));
        }
    }

    /// <summary>Of every message that is sent, 0 to 1.</summary>
    public double Loss { get; set; }

    /// <summary>Messages between different groups do not arrive, and connections are not made.</summary>
    public Func<int, int> GroupOf { get; set; } = _ => 0;

    /// <summary>Sees every message that is sent.</summary>
    public List<SendGossip>? Sent { get; set; }

    /// <summary>Servers that were found suspect or failed while they were up and reachable for everybody.</summary>
    public List<string> WronglyFailed { get; } = [];

    public int Links => _links.Count;

    public TimeSpan Now => TimeSpan.FromMilliseconds(_now);

    /// <summary>Servers with ids that are the same in each run.</summary>
    public static LocalServer[] Servers(int count) =>
    [
        .. Enumerable.Range(0, count).Select(i =>
        {
            // Any 32 bytes are a key as far as ids go.
            var key = new byte[ServerId.KeyBytes];
            new Random(i).NextBytes(key);
            return new LocalServer(ServerId.Format(key), ServerId.NodeId(key), Convert.ToBase64String(key), $"wss://s{i}.example", "");
        }),
    ];

    public bool IsUp(int node) => _nodes[node].IsUp;

    public void Start(int node)
    {
        var started = _nodes[node];
        started.Membership = new Membership(started.Self, new EndpointRule(allowPrivate: false), _time, new Random(_random.Next()));
        (started.IsUp, started.Sequence, started.Begun) = (true, 0, started.Begun + 1);
        started.Dialled.Clear();

        // What it knows: two others.
        for (var i = 1; i <= Math.Min(2, _nodes.Length - 1); i++)
        {
            var other = _nodes[(node + i) % _nodes.Length].Self;
            started.Membership.Discover(other.ServerId, other.Endpoint);
        }
    }

    /// <summary>The process is gone.</summary>
    /// <param name="silently">Nobody's connection ends: its host is gone too.</param>
    public void Kill(int node, bool silently)
    {
        _nodes[node].IsUp = false;
        var links = _links.Where(link => link.Value.One == node || link.Value.Other == node).Select(link => link.Key).ToArray();
        _nodes[node].Links.Clear();
        foreach (var link in links)
        {
            if (silently)
            {
                // A connection without a sign of life ends after 75 s.
                Later(75_000, () => End(link));
            }
            else
            {
                End(link);
            }
        }
    }

    public void Stop(int node)
    {
        _nodes[node].Membership.Leave();
        Drain(node);
        var begun = _nodes[node].Begun;
        Later(300, () =>
        {
            if (_nodes[node].Begun == begun)
            {
                Kill(node, silently: false);
            }
        });
    }

    public void Run(TimeSpan time)
    {
        var end = _now + (long)time.TotalMilliseconds;
        while (_events.TryPeek(out _, out var due) && due.At <= end)
        {
            var action = _events.Dequeue();
            MoveTo(due.At);
            action();
        }

        MoveTo(end);
    }

    /// <summary>Runs until it is so, or for the longest time; whether it is so.</summary>
    public bool RunUntil(Func<bool> isSo, TimeSpan longest)
    {
        for (var end = _now + (long)longest.TotalMilliseconds; _now < end && !isSo();)
        {
            Run(TimeSpan.FromMilliseconds(TickMilliseconds));
        }

        return isSo();
    }

    /// <summary>Every server that is up sees the others that are up as alive and with a link, and no others.</summary>
    public bool HasConverged() => Enumerable.Range(0, _nodes.Length).Where(IsUp).All(node => SeenBy(node).SetEquals(Up(except: node)));

    /// <summary>Whether any server that is up still sees it as alive.</summary>
    public bool IsAliveForAnybody(int node) =>
        _nodes.Any(other => other.IsUp && other != _nodes[node]
            && other.Membership.Snapshot().Any(member =>
                member.ServerId == _nodes[node].Self.ServerId && member.State is (MemberState.Alive or MemberState.Suspect)));

    private HashSet<string> Up(int except) =>
        [.. _nodes.Where((node, i) => node.IsUp && i != except).Select(node => node.Self.ServerId)];

    private HashSet<string> SeenBy(int node) =>
        [.. _nodes[node].Membership.Owners().Skip(1).Select(owner => owner.ServerId)];

    private void MoveTo(long at)
    {
        _time.Advance(TimeSpan.FromMilliseconds(at - _now));
        _now = at;
    }

    private void Later(long delay, Action action) => _events.Enqueue(action, (_now + delay, _order++));

    private void Tick(int node, long delay) => Later(delay, () =>
    {
        if (IsUp(node))
        {
            _nodes[node].Membership.Tick();
            Drain(node);
            foreach (var target in _nodes[node].Membership.ToDial())
            {
                Dial(node, target);
            }
        }

        Tick(node, TickMilliseconds);
    });

    private void Dial(int node, DialTarget target)
    {
        var (at, wait) = _nodes[node].Dialled.GetValueOrDefault(target.ServerId);
        if (_now < at)
        {
            return;
        }

        wait = Math.Clamp(wait * 2, 1_000, 30_000);
        _nodes[node].Dialled[target.ServerId] = (_now + wait + _random.Next(1_000), wait);
        var other = Array.FindIndex(_nodes, candidate => candidate.Self.Endpoint == target.Endpoint);
        Later(_random.Next(2, 100), () =>
        {
            if (IsUp(node) && IsUp(other) && GroupOf(node) == GroupOf(other) && !AreLinked(node, other))
            {
                var link = ++_lastLink;
                _links[link] = (node, other);
                _nodes[node].Dialled.Remove(target.ServerId);
                LinkUp(node, other, link);
                LinkUp(other, node, link);
            }
        });
    }

    // One link for each pair: a new one replaces one that either side has lost.
    private bool AreLinked(int one, int other) =>
        _links.Any(link => (link.Value == (one, other) || link.Value == (other, one)) && Has(one, link.Key) && Has(other, link.Key));

    private bool Has(int node, long link) => _nodes[node].Links.Contains(link);

    private void LinkUp(int node, int other, long link)
    {
        _nodes[node].Links.Add(link);
        Assert.True(_nodes[node].Membership.LinkUp(link, _nodes[other].Self.ServerId, _nodes[other].Self.Endpoint, ""));
        Drain(node);
    }

    private void End(long link)
    {
        if (!_links.Remove(link, out var ends))
        {
            return;
        }

        foreach (var node in new[] { ends.One, ends.Other })
        {
            if (_nodes[node].Links.Remove(link) && IsUp(node))
            {
                _nodes[node].Membership.LinkDown(link);
                Drain(node);
            }
        }
    }

    private void Drain(int node)
    {
        while (_nodes[node].Membership.TryTake(out var action))
        {
            switch (action)
            {
                case SendGossip message:
                    Send(node, message);
                    break;
                case CloseLink close:
                    Later(_random.Next(1, 50), () => End(close.Link));
                    break;
                case MemberChanged { After: MemberState.Suspect or MemberState.Failed } change:
                    var about = Array.FindIndex(_nodes, candidate => candidate.Self.ServerId == change.ServerId);
                    if (IsUp(about) && Loss == 0 && GroupOf(about) == GroupOf(node))
                    {
                        WronglyFailed.Add($"{_now} ms: {node} says of {about} {change.After}, {change.Why}");
                    }

                    break;
            }
        }
    }

    private void Send(int node, SendGossip message)
    {
        Sent?.Add(message);
        var sender = _nodes[node];
        var sequence = ++sender.Sequence;
        if (_random.NextDouble() < Loss || !_links.TryGetValue(message.Link, out var ends))
        {
            return;
        }

        var receiver = ends.One == node ? ends.Other : ends.One;
        var begun = _nodes[receiver].Begun;
        Later(_random.Next(1, 100), () =>
        {
            if (IsUp(receiver) && begun == _nodes[receiver].Begun && GroupOf(node) == GroupOf(receiver))
            {
                _nodes[receiver].Membership.Receive(message.Link, new GossipMessage(sender.Self.ServerId, sequence, message.Body, message.Mentions));
                Drain(receiver);
            }
        });
    }

    private sealed class Node(LocalServer self)
    {
        public LocalServer Self => self;

        public Membership Membership { get; set; } = null!;

        public bool IsUp { get; set; }

        public long Sequence { get; set; }

        public int Begun { get; set; }

        public HashSet<long> Links { get; } = [];

        public Dictionary<string, (long At, long Wait)> Dialled { get; } = new(StringComparer.Ordinal);
    }
}
