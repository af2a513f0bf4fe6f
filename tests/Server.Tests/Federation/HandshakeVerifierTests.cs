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
    public void Verify_ListedAndGood_IsAdmitted() => Assert.Equal(CloseReason.None, Listed().Verify(_peer.Handshake(Now), default, out _));

    [Fact]
    public void Verify_ListedInStandardBase64_IsAdmitted()
    {
        var verifier = New(new FederationOptions { Servers = ["ed25519:" + _peer.Identity.PublicKeyBase64] });

        Assert.Equal(CloseReason.None, verifier.Verify(_peer.Handshake(Now), default, out _));
    }

    [Fact]
    public void Verify_NotListed_IsRefused() => Assert.Equal(CloseReason.ServerNotListed, Listed().Verify(_stranger.Handshake(Now), default, out _));

    [Fact]
    public void Verify_AnyServer_IsAdmitted()
    {
        var verifier = New(new FederationOptions { Admit = FederationAdmit.Any });

        Assert.Equal(CloseReason.None, verifier.Verify(_stranger.Handshake(Now), default, out _));
    }

    [Fact]
    public void Verify_OwnId_IsInvalid()
    {
        var verifier = New(new FederationOptions { Admit = FederationAdmit.Any });

        Assert.Equal(CloseReason.HandshakeInvalid, verifier.Verify(_self.Handshake(Now), default, out _));
    }

    [Fact]
    public void Verify_NoHandshake_IsInvalid() => Assert.Equal(CloseReason.HandshakeInvalid, Listed().Verify("{}"u8, default, out _));

    [Fact]
    public void Verify_ChangedAfterSigning_IsInvalid()
    {
        var bytes = _peer.Handshake(Now, afterSigning: fields => fields["endpoint"] = "wss://evil.example");

        Assert.Equal(CloseReason.HandshakeInvalid, Listed().Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_SignedByAnother_IsInvalid()
    {
        var bytes = _stranger.Handshake(Now, fields =>
        {
            fields["serverId"] = _peer.ServerId;
            fields["nodeId"] = _peer.Identity.NodeId;
            fields["publicKey"] = _peer.Identity.PublicKeyBase64;
        });

        Assert.Equal(CloseReason.HandshakeInvalid, Listed().Verify(bytes, default, out _));
    }

    [Theory]
    [InlineData(-300_000, CloseReason.None)]
    [InlineData(300_000, CloseReason.None)]
    [InlineData(-300_001, CloseReason.HandshakeStale)]
    [InlineData(300_001, CloseReason.HandshakeStale)]
    [InlineData(-1_700_000_000_000, CloseReason.HandshakeStale)]
    [InlineData(250_000_000_000_000, CloseReason.HandshakeStale)]
    public void Verify_Timestamp_MayBeFiveMinutesOffEitherWay(double offset, object expected) =>
        Assert.Equal(expected, Listed().Verify(_peer.Handshake(Now + TimeSpan.FromMilliseconds(offset)), default, out _));

    // By name: x this server, - another, anything else as it is, empty not at all.
    [Theory]
    [InlineData(false, "", "", CloseReason.None)]
    [InlineData(false, "x", "", CloseReason.None)]
    [InlineData(false, "", "handshake", CloseReason.None)]
    [InlineData(true, "x", "handshake", CloseReason.None)]
    [InlineData(true, "", "handshake", CloseReason.HandshakeAudience)]
    [InlineData(true, "x", "", CloseReason.HandshakeAudience)]
    [InlineData(true, "", "", CloseReason.HandshakeAudience)]
    [InlineData(false, "-", "handshake", CloseReason.HandshakeAudience)]
    [InlineData(true, "-", "handshake", CloseReason.HandshakeAudience)]
    [InlineData(false, "ed25519:", "handshake", CloseReason.HandshakeAudience)]
    [InlineData(false, "x", "handshake_ack", CloseReason.HandshakeAudience)]
    [InlineData(false, "", "Handshake", CloseReason.HandshakeAudience)]
    public void Verify_AudienceAndKind_AreCheckedWhenThereAndRequiredBySetting(bool isRequired, string audience, string kind, object expected)
    {
        var verifier = New(new FederationOptions { Servers = [_peer.ServerId], RequireAudience = isRequired });
        var bytes = _peer.Handshake(Now, fields =>
        {
            if (audience.Length > 0)
            {
                fields["audience"] = audience switch { "x" => _self.ServerId, "-" => _stranger.ServerId, _ => audience };
            }

            if (kind.Length > 0)
            {
                fields["kind"] = kind;
            }
        });

        Assert.Equal(expected, verifier.Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_AudienceInStandardBase64_IsAdmitted()
    {
        var verifier = New(new FederationOptions { Servers = [_peer.ServerId] });
        var bytes = _peer.Handshake(Now, fields => fields["audience"] = "ed25519:" + _self.Identity.PublicKeyBase64);

        Assert.Equal(CloseReason.None, verifier.Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_AudienceAddedAfterSigning_IsInvalid()
    {
        var verifier = New(new FederationOptions { Servers = [_peer.ServerId], RequireAudience = true });
        var bytes = _peer.Handshake(Now, afterSigning: fields => (fields["audience"], fields["kind"]) = (_self.ServerId, "handshake"));

        Assert.Equal(CloseReason.HandshakeInvalid, verifier.Verify(bytes, default, out _));
    }

    // An acknowledgement of the peer's for us, under another type: its kind is signed.
    [Fact]
    public void Verify_AnAcknowledgementAsAHandshake_IsRefused()
    {
        var ack = System.Text.Encoding.UTF8.GetString(PeerMessages.Acknowledge(
            _peer.Identity, new Relay.Identity.IdentityOptions { PublicEndpoint = "wss://a.example" }, _self.ServerId, _time));
        var bytes = System.Text.Encoding.UTF8.GetBytes(ack.Replace("\"type\":\"handshake_ack\"", "\"type\":\"handshake\"", StringComparison.Ordinal));

        Assert.Equal(CloseReason.HandshakeAudience, Listed().Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_SameHandshakeTwice_IsReplayed()
    {
        var verifier = Listed();
        var bytes = _peer.Handshake(Now);

        Assert.Equal(CloseReason.None, verifier.Verify(bytes, default, out _));
        Assert.Equal(CloseReason.HandshakeReplayed, verifier.Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_ReplayedAtTheLastFreshMoment_IsReplayedThenStale()
    {
        var verifier = Listed();
        var bytes = _peer.Handshake(Now + TimeSpan.FromMinutes(5));
        verifier.Verify(bytes, default, out _);

        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(CloseReason.HandshakeReplayed, verifier.Verify(bytes, default, out _));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(CloseReason.HandshakeStale, verifier.Verify(bytes, default, out _));
    }

    [Fact]
    public void Verify_RefusedHandshakes_AreNotRemembered()
    {
        var verifier = Listed();
        var early = _peer.Handshake(Now + TimeSpan.FromMinutes(6));
        Assert.Equal(CloseReason.HandshakeStale, verifier.Verify(early, default, out _));

        _time.Advance(TimeSpan.FromMinutes(2));

        Assert.Equal(CloseReason.None, verifier.Verify(early, default, out _));
    }

    private HandshakeVerifier Listed() => New(new FederationOptions { Servers = [_peer.ServerId] });

    private HandshakeVerifier New(FederationOptions options) =>
        new(options, _self.Identity, new ReplayCache(options, _time), _time);
}
