using Relay.Identity;

namespace Relay.Federation.Gossip;

/// <summary>
/// Which servers are members of the federation: told of links, messages and the passing of time, it says what is to be sent and what has
/// changed. Only a server itself speaks for itself; the word of others makes us look, by a ping or by dialling. Does no I/O and is not
/// thread-safe: its owner holds a lock for each call and takes the actions with <see cref="TryTake"/> under it.
/// </summary>
internal sealed class Membership
{
    private static readonly TimeSpan PruneInterval = TimeSpan.FromMinutes(1);

    private readonly LocalServer _self;
    private readonly EndpointRule _endpoints;
    private readonly Queue<MembershipAction> _actions = new();
    private readonly MembershipClock _clock;
    private readonly OwnIncarnation _incarnation;
    private readonly MemberTable _members;
    private readonly LinkTable _links;
    private readonly GossipOutbox _outbox;
    private readonly FailureDetector _detector;
    private readonly Hearsay _hearsay;
    private readonly GossipHandler _handler;
    private readonly RingOwners _owners;
    private TimeSpan _nextSync;
    private TimeSpan _nextPrune;
    private bool _hasLeft;

    /// <param name="random">Chooses whom to ping and to ask; with the same seed and the same calls the same happens.</param>
    public Membership(LocalServer self, EndpointRule endpoints, TimeProvider time, Random random)
    {
        _self = self;
        _endpoints = endpoints;
        _clock = new MembershipClock(time);
        _incarnation = new OwnIncarnation(_clock);
        _members = new MemberTable(_clock, _actions);
        _links = new LinkTable(_members, _clock);
        _outbox = new GossipOutbox(self, _incarnation, _members, _clock, random);
        _detector = new FailureDetector(_members, _links, _outbox, _clock, random);
        _hearsay = new Hearsay(self, endpoints, _members, _detector, _outbox, _incarnation, _clock);
        _handler = new GossipHandler(_links, _members, _hearsay, _detector, _outbox, _incarnation, _clock);
        _owners = new RingOwners(self, _members);
        _nextSync = GossipLimits.SyncInterval * random.NextDouble();
    }

    /// <summary>Of this server.</summary>
    public long Incarnation => _incarnation.Value;

    /// <summary>Members in this state, this server not counted.</summary>
    public int Count(MemberState state) => _members.All.Count(member => member.State == state);

    /// <summary>What is to be done next; false when there is nothing.</summary>
    public bool TryTake(out MembershipAction action) => _actions.TryDequeue(out action!);

    /// <summary>
    /// A peer was authenticated on a link. The link replaces an earlier one of the same server. False when there are
    /// <see cref="GossipLimits.MaxMembers"/> members and none gives way: the caller closes the link.
    /// </summary>
    /// <param name="link">The caller's number of the link, never used twice.</param>
    /// <param name="serverId">In the usual form, as in its handshake.</param>
    /// <param name="endpoint">From its handshake.</param>
    /// <param name="region">From its handshake; empty: none.</param>
    public bool LinkUp(long link, string serverId, string endpoint, string region)
    {
        if (serverId == _self.ServerId || !ServerId.TryParse(serverId, out var key))
        {
            return false;
        }

        if (_members.Find(serverId) is not { } member)
        {
            member = new Member(serverId, key, informant: "");
            if (!_members.TryAdd(member))
            {
                return false;
            }
        }

        _links.Add(new GossipLink(link, member, _clock));

        // The number may be less than before: it may have been restarted.
        (member.Region, member.Incarnation, member.PingSentAt) = (region, 0, null);
        _hearsay.SetEndpoint(member, endpoint);
        _detector.Heard(member);
        _members.Change(member, MemberState.Alive, "it has a link");
        _outbox.Send(member.Link, new Join(_self.ServerId, _self.NodeId, _self.Endpoint, _self.PublicKey, _self.Region));
        _owners.Update();
        return true;
    }

    /// <summary>A link ended. One that was replaced, or is not known, changes nothing.</summary>
    public void LinkDown(long link)
    {
        // Who leaves is left by the others, and suspects nobody for it.
        if (_links.Remove(link) is { } member && !_hasLeft)
        {
            _detector.LinkLost(member);
            _owners.Update();
        }
    }

    /// <summary>A gossip message arrived by a link.</summary>
    public GossipOutcome Receive(long link, GossipMessage message)
    {
        var outcome = _handler.Handle(link, message);
        _owners.Update();
        return outcome;
    }

    /// <summary>To be called every <see cref="GossipLimits.TickInterval"/>.</summary>
    public void Tick()
    {
        if (_hasLeft)
        {
            return;
        }

        _detector.Tick();
        var now = _clock.Now;
        if (now >= _nextSync)
        {
            _nextSync = now + GossipLimits.SyncInterval;
            if (_outbox.Choose(1, except: null) is [{ Link: { MaySync: true } link }])
            {
                _outbox.Sync(link, listed: null);
            }
        }

        if (now >= _nextPrune)
        {
            _nextPrune = now + PruneInterval;
            _members.Prune();
        }

        _owners.Update();
    }

    /// <summary>This server stops: every member is told. After that it judges nobody any more.</summary>
    public void Leave()
    {
        _hasLeft = true;
        foreach (var link in _links.All)
        {
            _outbox.Send(link, new Leave(_self.ServerId));
        }
    }

    /// <summary>
    /// There may be a server at this endpoint: settings, a registry, or what was known before a restart say so. Null, or why it will not be
    /// dialled.
    /// </summary>
    public string? Discover(string serverId, string endpoint)
    {
        if (Hearsay.Read(serverId) is not { } id)
        {
            return "it is no server id";
        }

        _hearsay.HearOfAnother("", id, endpoint);
        return _endpoints.Denial(endpoint);
    }

    /// <summary>Forgets a member and closes its link; true when it was known. It may come again.</summary>
    public bool Forget(string serverId)
    {
        if (_members.Find(serverId) is not { } member)
        {
            return false;
        }

        _detector.Forget(member);
        _links.Detach(member, member.State);
        _members.Change(member, MemberState.Unknown, "an operator had it forgotten");
        _members.Remove(member);
        _owners.Update();
        return true;
    }

    /// <summary>Servers without a link that are worth dialling, each with the endpoints that are said to be its own, its own word first.</summary>
    public IReadOnlyList<DialTarget> ToDial() =>
    [
        .. from member in _members.All
           where member is { Link: null, State: not MemberState.Left }
           from endpoint in member.Endpoints
           select new DialTarget(member.ServerId, endpoint),
    ];

    /// <summary>
    /// Who owns the ring: this server, and alive members with a link and an endpoint that is allowed. Of several that name one endpoint the one
    /// that was there first, and nobody who names ours.
    /// </summary>
    public IReadOnlyList<LocalServer> Owners() => _owners.List();

    /// <summary>All members as they are now, by id.</summary>
    public IReadOnlyList<MemberSnapshot> Snapshot() =>
    [
        .. from member in _members.All
           orderby member.ServerId
           select new MemberSnapshot(
               member.ServerId,
               member.Endpoints.FirstOrDefault() ?? "",
               member.Region,
               member.State,
               member.Incarnation,
               member.Link?.Id,
               member.RoundTrip,
               member.LastHeard is { } heard ? _clock.UtcNow - (_clock.Now - heard) : null,
               _owners.Contains(member),
               member.Denial),
    ];
}
