using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Federation;
using Relay.Identity;
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
    private readonly FederationOptions _options = new() { Admit = FederationAdmit.Any };
    private readonly RelayMetrics _metrics = new();
    private readonly PeerCounts _counts = new();
    private readonly SessionTable _sessions = new();
    private readonly PeerSigner _first = new();
    private readonly PeerSigner _second = new(first: 100);
    private readonly PeerTable _table;
    private readonly List<PeriodicWork> _ticking;
    private readonly SessionServices _services;
    private readonly ConnectionTable _connections;
    private readonly List<(FakePeerSocket Socket, Task Session)> _open = [];

    public PeerHandlerTests()
    {
        _table = new PeerTable(_options, _time);
        _services = new SessionServices(new ClientSessionOptions(), _sessions, _metrics, _time, NullLogger<Session>.Instance);
        _connections = new ConnectionTable(new ClosingConnections(_time));
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
    public async Task Proven_AfterTenSeconds_Stays()
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
        Assert.Equal("close 4003 Duplicate connection", await old.HearAsync());
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

        Assert.Equal("close 1008 Rate limit exceeded", await socket.HearAsync());
        Assert.Equal(PeerHandler.MessagesPerMinute - 1, _counts.GossipIgnored);
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

    private PeerAuthenticator Welcome(PeerSigner self) => new(
        new HandshakeVerifier(_options, self.Identity, new ReplayCache(_options, _time), _time),
        _table,
        self.Identity,
        new IdentityOptions { PublicEndpoint = "wss://self.example" },
        _counts,
        _time,
        NullLogger<PeerAuthenticator>.Instance);
}
