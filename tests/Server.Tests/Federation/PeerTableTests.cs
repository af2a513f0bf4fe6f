using System.Net;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Federation;
using Relay.Protocol;

namespace Server.Tests.Federation;

public sealed class PeerTableTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly FederationOptions _options = new() { MaxPeers = 2, MaxPending = 3, MaxPendingPerIp = 2 };
    private readonly PeerTable _table;

    public PeerTableTests() => _table = new PeerTable(_options, _time);

    [Fact]
    public void TryEnter_OverTheCapOfOneAddress_IsFalseForItAlone()
    {
        var first = Enter("192.0.2.1");
        Enter("192.0.2.1");

        Assert.False(TryEnter("192.0.2.1"));
        Assert.True(TryEnter("192.0.2.2"));
        first.Dispose();
        Assert.True(TryEnter("192.0.2.1"));
    }

    [Fact]
    public void TryEnter_OverTheCapOfAll_IsFalse()
    {
        Enter("192.0.2.1");
        Enter("192.0.2.2");
        var third = Enter("192.0.2.3");

        Assert.False(TryEnter("192.0.2.4"));
        third.Dispose();
        Assert.True(TryEnter("192.0.2.4"));
    }

    [Fact]
    public void TryEnter_AllPeersConnected_IsFalse()
    {
        Prove(Enter("192.0.2.1"), 1);
        Prove(Enter("192.0.2.2"), 2);

        Assert.False(TryEnter("192.0.2.9"));
    }

    [Fact]
    public void TryEnter_PendingFullOfOneAddress_DisplacesItsOldest()
    {
        var oldest = Enter("192.0.2.1");
        Enter("192.0.2.1");
        Enter("192.0.2.2");
        var ip = IPAddress.Parse("198.51.100.1");

        Assert.True(_table.TryEnter(ip, IpKey.From(ip, 64), out _, out var displaced));

        Assert.Same(oldest, displaced);
        Assert.Equal((false, 3), (oldest.HasSlot, _table.PendingCount));
        Assert.Equal(CloseReason.PeerLimit, Prove(oldest, 1));
    }

    [Fact]
    public void TryEnter_PendingFullOfOneNetwork_DisplacesOneOfThem()
    {
        Enter("2001:db8:0:1::1");
        Enter("2001:db8:0:2::1");
        Enter("2001:db8:0:3::1");

        Assert.True(TryEnter("192.0.2.1"));
        Assert.Equal(3, _table.PendingCount);
        Assert.False(TryEnter("192.0.2.2"));
    }

    [Fact]
    public void TryProve_FullOfOneAddress_DisplacesItsOldest()
    {
        var oldest = Enter();
        Prove(oldest, 1);
        Prove(Enter(), 2);
        var ip = IPAddress.Parse("198.51.100.1");
        Assert.True(_table.TryEnter(ip, IpKey.From(ip, 64), out var other, out _));

        Assert.Equal(CloseReason.None, _table.TryAuthenticate(other, Handshake(3), "z", out var replaced, out var displaced));

        Assert.Equal((null, oldest), (replaced, displaced));
        oldest.Dispose();
        Assert.Equal((0, 2), (_table.PendingCount, _table.AuthenticatedCount));
    }

    [Fact]
    public void Dispose_Twice_GivesBackOnce()
    {
        var link = Enter();
        Enter();

        link.Dispose();
        link.Dispose();

        Assert.Equal(1, _table.PendingCount);
        Assert.True(TryEnter("192.0.2.1"));
        Assert.False(TryEnter("192.0.2.1"));
    }

    [Fact]
    public void TryAuthenticate_Valid_ReleasesThePendingSlot()
    {
        var link = Enter();

        Assert.Equal(CloseReason.None, Prove(link, 1));

        Assert.Equal((0, 1), (_table.PendingCount, _table.AuthenticatedCount));
        link.Dispose();
        Assert.Equal((0, 0), (_table.PendingCount, _table.AuthenticatedCount));
    }

    [Fact]
    public void TryProve_CapReachedMeanwhile_IsPeerLimit()
    {
        var late = Enter("192.0.2.9");
        Prove(Enter("192.0.2.1"), 1);
        Prove(Enter("192.0.2.2"), 2);

        Assert.Equal(CloseReason.PeerLimit, Prove(late, 3));
        late.Dispose();
        Assert.Equal((0, 2), (_table.PendingCount, _table.AuthenticatedCount));
    }

    [Fact]
    public void TryProve_DuplicateAndOwnIdIsLess_RefusesTheNew()
    {
        var old = Enter();
        Prove(old, 1, own: "ed25519:+");
        var next = Enter();

        Assert.Equal(CloseReason.DuplicateLink, Prove(next, 1, out var replaced, own: "ed25519:+"));

        Assert.Null(replaced);
        next.Dispose();
        Assert.Equal((0, 1), (_table.PendingCount, _table.AuthenticatedCount));
    }

    [Fact]
    public void TryProve_DuplicateAndOwnIdIsGreater_TakesTheNewEvenAtTheCap()
    {
        Prove(Enter(), 2);
        var next = Enter("192.0.2.9");
        var old = Enter();
        Prove(old, 1);

        Assert.Equal(CloseReason.None, Prove(next, 1, out var replaced));

        Assert.Same(old, replaced);
        Assert.Equal(2, _table.AuthenticatedCount);
    }

    [Fact]
    public void Dispose_OfTheReplaced_LeavesItsSuccessor()
    {
        var old = Enter();
        Prove(old, 1);
        var next = Enter();
        Prove(next, 1);

        old.Dispose();

        Assert.Equal(1, _table.AuthenticatedCount);
        Assert.Equal(PeerLinkState.Authenticated, next.State);
        next.Dispose();
        Assert.Equal((0, 0), (_table.PendingCount, _table.AuthenticatedCount));
    }

    [Fact]
    public void TryProve_ThirdWhileTheFirstStillCloses_IsRefused()
    {
        var first = Enter();
        Prove(first, 1);
        Prove(Enter(), 1);
        var third = Enter();

        Assert.Equal(CloseReason.DuplicateLink, Prove(third, 1));
        first.Dispose();
        Assert.Equal(CloseReason.None, Prove(third, 1));
    }

    [Fact]
    public void Snapshot_ProvenPeer_TellsWhatOperatorsAsk()
    {
        var link = Enter("192.0.2.7");
        Enter("192.0.2.8");
        Prove(link, 1);
        link.FrameArrived();
        _time.Advance(TimeSpan.FromSeconds(5));

        var peer = Assert.Single(_table.Snapshot());

        Assert.Equal(link.Peer!.ServerId, peer.ServerId);
        Assert.Equal("wss://a.example", peer.Endpoint);
        Assert.Equal("eu", peer.Region);
        Assert.Equal(IPAddress.Parse("192.0.2.7"), peer.Address);
        Assert.Equal(_time.GetUtcNow() - TimeSpan.FromSeconds(5), peer.ConnectedAt);
        Assert.Equal(peer.ConnectedAt, peer.LastSeen);
        Assert.Equal(1, peer.FramesReceived);
    }

    [Fact]
    public void EnterProveLeave_FromManyThreads_EndsAtZero()
    {
        var table = new PeerTable(new FederationOptions(), _time);
        var peers = Enumerable.Range(0, 4).Select(i => Handshake((byte)i)).ToArray();

        Enumerable.Range(0, 4000).AsParallel().ForAll(i =>
        {
            var address = IPAddress.Parse($"192.0.2.{i % 5}");
            if (table.TryEnter(address, IpKey.From(address, 64), out var link, out _))
            {
                using (link)
                {
                    table.TryAuthenticate(link, peers[i % peers.Length], "z", out _, out _);
                }
            }
        });

        Assert.Equal((0, 0), (table.PendingCount, table.AuthenticatedCount));
    }

    private PeerLink Enter(string address = "192.0.2.1")
    {
        var ip = IPAddress.Parse(address);
        Assert.True(_table.TryEnter(ip, IpKey.From(ip, 64), out var link, out _));
        return link;
    }

    private bool TryEnter(string address) => _table.TryEnter(IPAddress.Parse(address), IpKey.From(IPAddress.Parse(address), 64), out _, out _);

    private CloseReason Prove(PeerLink link, byte peer, string own = "z") => Prove(link, peer, out _, own);

    private CloseReason Prove(PeerLink link, byte peer, out PeerLink? replaced, string own = "z") =>
        _table.TryAuthenticate(link, Handshake(peer), own, out replaced, out _);

    private PeerHandshake Handshake(byte peer)
    {
        using var signer = new PeerSigner(peer);
        PeerHandshake.TryParse(signer.Handshake(_time.GetUtcNow()), out var handshake);
        return handshake!;
    }
}
