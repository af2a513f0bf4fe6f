using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Federation;
using Relay.Federation.Gossip;
using Relay.Identity;
using Relay.Memory;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.TestKit;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Federation;

public sealed class PeerHandlerTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly FederationOptions _options = new() { Admit = FederationAdmit.Any, PeersFile = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName()) };
    private readonly RelayMetrics _metrics = new();
    private readonly PeerCounts _counts = new();
    private readonly SessionTable _sessions = new();
    private readonly PeerSigner _first = new();
    private readonly PeerSigner _second = new(first: 100);
    private readonly List<string> _answered = [];
    private readonly PeerTable _table;
    private readonly List<PeriodicWork> _ticking;
    private readonly SessionServices _services;
    private readonly ConnectionTable _connections;
    private readonly List<(FakePeerSocket Socket, Task Session)> _open = [];

    public PeerHandlerTests()
    {
        _table = new PeerTable(_options, _time);
        _services = new SessionServices(new ClientSessionOptions(), _sessions, _metrics, _time, NullLogger<Session>.Instance);
        _connections = new ConnectionTable(new ClosingConnections(_time), MemoryBudget.Unlimited);
        _ticking =
        [
            Ticking.Start(_time, HandshakeDeadline.Interval, new HandshakeDeadline(_table, _options, _counts, _time).Sweep),
            Ticking.Start(_time, ClosingConnections.Interval, _connections.Closing.Sweep),
        ];
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var (socket, session) in _open)
        {
            socket.Cut();
            await session.WaitAsync(TimeSpan.FromSeconds(10));
        }

        // Whatever a test did, all is given back in the end.
        Assert.Equal((0, 0, 0), (_table.PendingCount, _table.AuthenticatedCount, _sessions.Count));
        _ticking.ForEach(work => work.Dispose());
        _metrics.Dispose();
        _first.Dispose();
        _second.Dispose();
    }

    // By id: "A6EH…" (first) is less than the other.
    private PeerSigner Lesser => string.CompareOrdinal(_first.ServerId, _second.ServerId) < 0 ? _first : _second;

    private PeerSigner Greater => Lesser == _first ? _second : _first;

    [Fact]
    public async Task Handshake_Good_IsAcknowledgedAndListed()
    {
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow()));

        using var ack = JsonDocument.Parse(await socket.HearAsync());

        Assert.Equal(
            ["type", "serverId", "nodeId", "endpoint", "publicKey", "metadata", "timestamp", "audience", "kind", "signature"],
            ack.RootElement.EnumerateObject().Select(property => property.Name));
        Assert.Equal("handshake_ack", ack.RootElement.GetProperty("type").GetString());
        Assert.Equal(Greater.ServerId, ack.RootElement.GetProperty("serverId").GetString());
        Assert.Equal(Lesser.ServerId, ack.RootElement.GetProperty("audience").GetString());
        Assert.Equal(Lesser.ServerId, Assert.Single(_table.Snapshot()).ServerId);
        Assert.Equal(0, _table.PendingCount);
        Assert.True(Assert.Single(_sessions.All).IsRegistered);
        Assert.Empty(_counts.RefusedByReason().NonZero());
    }

    [Fact]
    public async Task FirstMessage_NoHandshake_ClosesAndCounts()
    {
        var socket = Connect(self: Greater);
        socket.Say("""{"type":"gossip"}""");

        Assert.Equal("close 4001 Invalid handshake signature", await socket.HearAsync());
        AssertRefused("handshake_invalid");
    }

    [Fact]
    public async Task Handshake_Stale_ClosesAndCounts()
    {
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow() - TimeSpan.FromHours(1)));

        Assert.Equal("close 4001 Handshake timestamp out of range", await socket.HearAsync());
        AssertRefused("handshake_stale");
    }

    [Fact]
    public async Task Handshake_NotListed_ClosesAndCounts()
    {
        _options.Admit = FederationAdmit.Listed;
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow()));

        Assert.Equal("close 1008 Server not listed", await socket.HearAsync());
        AssertRefused("server_not_listed");
    }

    [Fact]
    public async Task Handshake_CapReached_ClosesAndCounts()
    {
        _options.MaxPeers = 1;
        using var third = new PeerSigner(first: 50);
        var late = Connect(self: Greater);
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow()));
        await socket.HearAsync();

        late.Say(third.Handshake(_time.GetUtcNow()));

        Assert.Equal("close 1013 Server at capacity", await late.HearAsync());
        AssertRefused("peer_limit");
    }

    [Fact]
    public async Task NoHandshake_InTenSeconds_ClosesAndCountsOnce()
    {
        var socket = Connect(self: Greater);
        _time.Pass(TimeSpan.FromSeconds(9));
        Assert.Equal(1, _table.PendingCount);
        Assert.False(Assert.Single(_sessions.All).IsClosing);

        _time.Pass(TimeSpan.FromSeconds(2));

        Assert.Equal("close 4000 Handshake timeout", await socket.HearAsync());
        AssertRefused("handshake_timeout");
    }

    [Fact]
    public async Task Authenticated_AfterTenSeconds_Stays()
    {
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow()));
        await socket.HearAsync();

        _time.Pass(TimeSpan.FromMinutes(1));

        Assert.False(Assert.Single(_sessions.All).IsClosing);
    }

    [Fact]
    public async Task SecondLink_OwnIdIsGreater_ReplacesTheFirst()
    {
        var old = Connect(self: Greater);
        old.Say(Lesser.Handshake(_time.GetUtcNow()));
        await old.HearAsync();
        var next = Connect(self: Greater);
        next.Say(Lesser.Handshake(_time.GetUtcNow(), fields => fields["endpoint"] = "wss://b.example"));

        Assert.StartsWith("{\"type\":\"handshake_ack\"", await next.HearAsync(), StringComparison.Ordinal);
        Assert.Equal("close 4003 Duplicate connection", await old.HearNoGossipAsync());
        old.Cut();
        await _open[0].Session.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("wss://b.example", Assert.Single(_table.Snapshot()).Endpoint);
    }

    [Fact]
    public async Task SecondLink_OwnIdIsLess_IsRefused()
    {
        var old = Connect(self: Lesser);
        old.Say(Greater.Handshake(_time.GetUtcNow()));
        await old.HearAsync();
        var next = Connect(self: Lesser);
        next.Say(Greater.Handshake(_time.GetUtcNow(), fields => fields["endpoint"] = "wss://b.example"));

        Assert.Equal("close 4003 Duplicate connection", await next.HearAsync());
        Assert.Equal("wss://a.example", Assert.Single(_table.Snapshot()).Endpoint);
        AssertRefused("duplicate_link");
    }

    [Fact]
    public async Task Messages_OfAProvenPeer_AreCountedThenLimited()
    {
        var socket = Connect(self: Greater);
        socket.Say(Lesser.Handshake(_time.GetUtcNow()));
        await socket.HearAsync();
        socket.Say("no json");
        for (var i = 1; i <= PeerHandler.MessagesPerMinute; i++)
        {
            socket.Say("""{"type":"gossip","subtype":"ping"}""");
        }

        Assert.Equal("close 1008 Rate limit exceeded", await socket.HearNoGossipAsync());
        Assert.Equal(PeerHandler.MessagesPerMinute, _counts.GossipIgnored);
        Assert.Equal(PeerHandler.MessagesPerMinute, Assert.Single(_table.Snapshot()).FramesReceived);
    }

    [Fact]
    public async Task Handshake_ReplayedOnAnotherSocket_IsRefused()
    {
        var verifier = Welcome(Greater);
        var bytes = Lesser.Handshake(_time.GetUtcNow());
        var socket = Connect(verifier);
        socket.Say(bytes);
        await socket.HearAsync();
        var thief = Connect(verifier);
        thief.Say(bytes);

        Assert.Equal("close 4001 Handshake already used", await thief.HearAsync());
        Assert.Equal(1, _table.AuthenticatedCount);
        AssertRefused("handshake_replayed");
    }

    [Fact]
    public async Task Dialled_ExpectedServerAnswers_IsLinked()
    {
        var socket = Dial(self: Greater, Lesser.ServerId);
        using var greeting = JsonDocument.Parse(await socket.HearAsync());
        Assert.Equal(("handshake", Lesser.ServerId, "handshake"), (
            greeting.RootElement.GetProperty("type").GetString(), greeting.RootElement.GetProperty("audience").GetString(), greeting.RootElement.GetProperty("kind").GetString()));

        socket.Say(Answer(Lesser));

        Assert.Equal([Lesser.ServerId], _answered);
        Assert.True(Assert.Single(_table.Snapshot()).IsDialled);
        Assert.StartsWith("{\"type\":\"gossip\",\"subtype\":\"join\"", await socket.HearAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Dialled_NobodyExpected_NamesNoAudience()
    {
        var socket = Dial(self: Greater);
        using var greeting = JsonDocument.Parse(await socket.HearAsync());

        Assert.False(greeting.RootElement.TryGetProperty("audience", out _));
        socket.Say(Answer(Lesser));
        Assert.Equal([Lesser.ServerId], _answered);
    }

    [Fact]
    public async Task Dialled_AnotherServerAnswers_IsRefused()
    {
        using var third = new PeerSigner(first: 50);
        var socket = Dial(self: Greater, Lesser.ServerId);
        await socket.HearAsync();

        socket.Say(Answer(third));

        Assert.Equal("close 4002 Server ID mismatch", await socket.HearAsync());
        AssertRefused("server_mismatch");
    }

    [Theory]
    [InlineData("handshake", "own", "handshake_invalid")]
    [InlineData("handshake_ack", "other", "handshake_audience")]
    [InlineData("stale", "own", "handshake_stale")]
    public async Task Dialled_AnswerOfAnotherKind_IsRefused(string type, string audience, string reason)
    {
        using var third = new PeerSigner(first: 50);
        var socket = Dial(self: Greater, Lesser.ServerId);
        await socket.HearAsync();

        socket.Say(Lesser.Handshake(
            type == "stale" ? _time.GetUtcNow() - TimeSpan.FromHours(1) : _time.GetUtcNow(),
            fields =>
            {
                fields["type"] = type == "stale" ? "handshake_ack" : type;
                fields["audience"] = audience == "own" ? Greater.ServerId : third.ServerId;
            }));

        Assert.StartsWith("close 4001 ", await socket.HearAsync(), StringComparison.Ordinal);
        AssertRefused(reason);
    }

    [Fact]
    public async Task EachDialled_TheLinkOfTheLesserIdStays()
    {
        var incoming = Connect(self: Greater);
        incoming.Say(Lesser.Handshake(_time.GetUtcNow()));
        await incoming.HearAsync();
        var dialled = Dial(self: Greater, Lesser.ServerId);
        await dialled.HearAsync();

        dialled.Say(Answer(Lesser));

        Assert.Equal("close 4003 Duplicate connection", await dialled.HearAsync());
        Assert.False(Assert.Single(_table.Snapshot()).IsDialled);
    }

    private byte[] Answer(PeerSigner peer) => peer.Handshake(_time.GetUtcNow(), fields => fields["type"] = "handshake_ack");

    private void AssertRefused(string reason)
    {
        var (label, count) = Assert.Single(_counts.RefusedByReason().NonZero());
        Assert.Equal((reason, 1), (label, count));
    }

    private FakePeerSocket Connect(PeerSigner self) => Connect(Welcome(self));

    private FakePeerSocket Connect(PeerAuthenticator welcome)
    {
        var address = IPAddress.Parse("192.0.2.1");
        var key = IpKey.From(address, 64);
        Assert.True(_table.TryEnter(address, key, out var link, out _));
        var socket = new FakePeerSocket(_connections);
        socket.Open(new Session(_sessions.NextId(), key, key, socket, new PeerHandler(link, welcome), _services));
        _open.Add((socket, socket.Over));
        return socket;
    }

    private FakePeerSocket Dial(PeerSigner self, string? expected = null)
    {
        var address = IPAddress.Parse("192.0.2.9");
        var key = IpKey.From(address, 64);
        var link = _table.EnterDialled(address, key);
        var socket = new FakePeerSocket(_connections);
        socket.Open(new Session(_sessions.NextId(), key, key, socket, new PeerHandler(link, Welcome(self), expected, _answered.Add), _services));
        _open.Add((socket, socket.Over));
        return socket;
    }

    private PeerAuthenticator Welcome(PeerSigner self)
    {
        var options = new IdentityOptions { PublicEndpoint = "wss://self.example" };
        var rule = new EndpointRule(allowPrivate: false);
        var book = new PeerBook(_options, _time);
        var gossip = new PeerGossip(
            new Membership(new LocalServer(self.ServerId, self.Identity.NodeId, self.Identity.PublicKeyBase64, options.PublicEndpoint, ""), rule, _time, new Random(1)),
            new GossipWriter(self.Identity, _time),
            _options,
            new PeerTargets(self.ServerId, _options, book, rule, _time, new Random(1)),
            new FederationRing(self.Identity, options, _options),
            _counts,
            _time,
            NullLogger<PeerGossip>.Instance);
        return new PeerAuthenticator(
            new HandshakeVerifier(_options, self.Identity, new ReplayCache(_options, _time), _time),
            _table,
            book,
            gossip,
            self.Identity,
            options,
            _counts,
            _time,
            NullLogger<PeerAuthenticator>.Instance);
    }
}
