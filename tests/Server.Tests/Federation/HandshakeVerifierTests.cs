using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Protocol;

namespace Server.Tests.Federation;

public sealed class HandshakeVerifierTests : IDisposable
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000));
    private readonly PeerSigner _self = new(first: 100);
    private readonly PeerSigner _peer = new();
    private readonly PeerSigner _stranger = new(first: 50);

    private DateTimeOffset Now => _time.GetUtcNow();

    public void Dispose()
    {
        _self.Dispose();
        _peer.Dispose();
        _stranger.Dispose();
    }

    [Fact]
    public void Judge_ListedAndGood_IsAdmitted() => Assert.Equal(CloseReason.None, Listed().Judge(_peer.Handshake(Now), out _));

    [Fact]
    public void Judge_ListedInStandardBase64_IsAdmitted()
    {
        var judge = Judge(new FederationOptions { Servers = ["ed25519:" + _peer.Identity.PublicKeyBase64] });

        Assert.Equal(CloseReason.None, judge.Judge(_peer.Handshake(Now), out _));
    }

    [Fact]
    public void Judge_NotListed_IsRefused() => Assert.Equal(CloseReason.ServerNotListed, Listed().Judge(_stranger.Handshake(Now), out _));

    [Fact]
    public void Judge_AnyServer_IsAdmitted()
    {
        var judge = Judge(new FederationOptions { Admit = FederationAdmit.Any });

        Assert.Equal(CloseReason.None, judge.Judge(_stranger.Handshake(Now), out _));
    }

    [Fact]
    public void Judge_OwnId_IsInvalid()
    {
        var judge = Judge(new FederationOptions { Admit = FederationAdmit.Any });

        Assert.Equal(CloseReason.HandshakeInvalid, judge.Judge(_self.Handshake(Now), out _));
    }

    [Fact]
    public void Judge_NoHandshake_IsInvalid() => Assert.Equal(CloseReason.HandshakeInvalid, Listed().Judge("{}"u8, out _));

    [Fact]
    public void Judge_ChangedAfterSigning_IsInvalid()
    {
        var bytes = _peer.Handshake(Now, afterSigning: fields => fields["endpoint"] = "wss://evil.example");

        Assert.Equal(CloseReason.HandshakeInvalid, Listed().Judge(bytes, out _));
    }

    [Fact]
    public void Judge_SignedByAnother_IsInvalid()
    {
        var bytes = _stranger.Handshake(Now, fields =>
        {
            fields["serverId"] = _peer.ServerId;
            fields["nodeId"] = _peer.Identity.NodeId;
            fields["publicKey"] = _peer.Identity.PublicKeyBase64;
        });

        Assert.Equal(CloseReason.HandshakeInvalid, Listed().Judge(bytes, out _));
    }

    [Theory]
    [InlineData(-300_000, CloseReason.None)]
    [InlineData(300_000, CloseReason.None)]
    [InlineData(-300_001, CloseReason.HandshakeStale)]
    [InlineData(300_001, CloseReason.HandshakeStale)]
    [InlineData(-1_700_000_000_000, CloseReason.HandshakeStale)]
    [InlineData(250_000_000_000_000, CloseReason.HandshakeStale)]
    public void Judge_Timestamp_MayBeFiveMinutesOffEitherWay(double offset, object expected) =>
        Assert.Equal(expected, Listed().Judge(_peer.Handshake(Now + TimeSpan.FromMilliseconds(offset)), out _));

    [Fact]
    public void Judge_SameHandshakeTwice_IsReplayed()
    {
        var judge = Listed();
        var bytes = _peer.Handshake(Now);

        Assert.Equal(CloseReason.None, judge.Judge(bytes, out _));
        Assert.Equal(CloseReason.HandshakeReplayed, judge.Judge(bytes, out _));
    }

    [Fact]
    public void Judge_ReplayedAtTheLastFreshMoment_IsReplayedThenStale()
    {
        var judge = Listed();
        var bytes = _peer.Handshake(Now + TimeSpan.FromMinutes(5));
        judge.Judge(bytes, out _);

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(CloseReason.HandshakeReplayed, judge.Judge(bytes, out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(CloseReason.HandshakeStale, judge.Judge(bytes, out _));
    }

    [Fact]
    public void Judge_RefusedHandshakes_AreNotRemembered()
    {
        var judge = Listed();
        var early = _peer.Handshake(Now + TimeSpan.FromMinutes(6));
        Assert.Equal(CloseReason.HandshakeStale, judge.Judge(early, out _));

        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(CloseReason.None, judge.Judge(early, out _));
    }

    private HandshakeVerifier Listed() => Judge(new FederationOptions { Servers = [_peer.ServerId] });

    private HandshakeVerifier Judge(FederationOptions options) =>
        new(options, _self.Identity, new ReplayCache(options, _time), _time);
}
