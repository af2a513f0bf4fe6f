using System.Text;
using CsCheck;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation.Gossip;

/// <summary>Gossip messages as bytes.</summary>
public sealed class GossipMessageTests
{
    private const string Vector =
        """{"type":"gossip","subtype":"ping","senderId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","sequenceNumber":1,"timestamp":1700000000000,"payload":{},"piggyback":[{"serverId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","status":"alive","incarnation":0,"endpoint":"wss://a.example","nodeId":"56475aa75463474c0285df5dbf2bcab73da65135"}],"signature":"YAVczp+vQIKwXeqg+jp0T0fvrPNZNp2zbVXAdknAPECdUes2D2CMj4A7WZO2yQm7PdXTA7tl/tBqRLPj7EboBA=="}""";

    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000);
    private static readonly TimeSpan Freshness = TimeSpan.FromMinutes(5);
    private static readonly PeerSigner Peer = new();
    private static readonly Mention Self = new(Peer.ServerId, MemberState.Alive, 0, "wss://a.example", Peer.Identity.NodeId);

    private static readonly Gen<long> Whole = Gen.Long[0, GossipLimits.MaxIncarnation];
    private static readonly Gen<string> AnyText = Gen.Char['\u0000', '\ud7ff'].Array[0, 20].Select(chars => new string(chars));
    private static readonly Gen<string> Region = Gen.Char[' ', '\u04ff'].Where(c => !char.IsControl(c)).Array[0, 20].Select(chars => new string(chars));
    private static readonly Gen<MemberState> State = Gen.Enum<MemberState>();

    private static readonly Gen<GossipBody> Body = Gen.OneOf<GossipBody>(
        Gen.Const<GossipBody>(new Ping()),
        Gen.Select(Whole, AnyText, (number, text) => (GossipBody)new PingAck(number, text.Length > 0 ? text : null)),
        Gen.Select(AnyText, Gen.Bool, (text, report) => (GossipBody)new PingRequest(text, report)),
        Gen.Select(AnyText, AnyText, Region, (id, endpoint, region) => (GossipBody)new Join(id, id, endpoint, endpoint, region)),
        AnyText.Select(text => (GossipBody)new Leave(text)),
        Gen.Select(AnyText, Whole, (text, number) => (GossipBody)new Suspicion(text, number)),
        AnyText.Select(text => (GossipBody)new Confirmation(text)));

    [Fact]
    public void Write_KnownVector_IsMetByteForByte() => Assert.Equal(
        Vector,
        Encoding.UTF8.GetString(new GossipWriter(Peer.Identity, TimeProvider.System).Write(new SendGossip(1, new Ping(), [Self]), 1, At.ToUnixTimeMilliseconds())));

    [Fact]
    public void Read_KnownVector_IsAccepted()
    {
        Assert.Equal(GossipError.None, Read(Vector, out var message));
        Assert.Equal(new Ping(), message!.Body);
        Assert.Equal((Peer.ServerId, 1), (message.SenderId, message.Sequence));
        Assert.Equal([Self], message.Mentions);
    }

    [Fact]
    public void Read_WhatWasWritten_IsTheSame() => Gen.Select(Body, Whole, State).Sample((body, number, state) =>
    {
        var mention = new Mention("somebody", state, number, "wss://b.example", "node");

        Assert.Equal(GossipError.None, Read(Encoding.UTF8.GetString(Write(body, number, mention)), out var message));
        Assert.Equal(body, message!.Body);
        Assert.Equal(number, message.Sequence);
        Assert.Equal([mention], message.Mentions);
    });

    [Fact]
    public void Read_StateSync_IsTheSame() => Gen.Select(AnyText, State, Whole, Region).Array[0, 30].Sample(entries =>
    {
        var members = entries.Select(entry => new MemberRecord(entry.Item1, "node", "wss://b.example", "key", entry.Item2, entry.Item3, 7, entry.Item4)).ToList();

        Assert.Equal(GossipError.None, Read(Encoding.UTF8.GetString(Write(new StateSync(members), 1)), out var message));
        Assert.Equal(members, Assert.IsType<StateSync>(message!.Body).Members);
    });

    [Theory]
    [InlineData("ping\"", "leave\"")]
    [InlineData("\"sequenceNumber\":1", "\"sequenceNumber\":2")]
    [InlineData("wss://a.example", "wss://b.example")]
    [InlineData("1700000000000", "1700000000001")]
    [InlineData("\"YAV", "\"ZAV")]
    public void Read_AnyFieldChanged_IsBadlySigned(string from, string to)
    {
        Assert.Equal(GossipError.BadSignature, Read(Vector.Replace(from, to, StringComparison.Ordinal), out var message));
        Assert.Null(message);
    }

    [Fact]
    public void Read_ByAnothersLink_IsRefused()
    {
        using var other = new PeerSigner(100);

        Assert.Equal(GossipError.WrongSender, GossipReader.Read(Encoding.UTF8.GetBytes(Vector), other.ServerId, At, Freshness, out _));
    }

    [Theory]
    [InlineData(5.1)]
    [InlineData(-5.1)]
    public void Read_OtherTime_IsStale(double minutes) => Assert.Equal(
        GossipError.Stale, GossipReader.Read(Encoding.UTF8.GetBytes(Vector), Peer.ServerId, At.AddMinutes(minutes), Freshness, out _));

    [Theory]
    [InlineData("", nameof(GossipError.Malformed))]
    [InlineData("[]", nameof(GossipError.Malformed))]
    [InlineData("{}", nameof(GossipError.NotGossip))]
    [InlineData("""{"type":"ping"}""", nameof(GossipError.NotGossip))]
    [InlineData("""{"type":"gossip"}""", nameof(GossipError.Malformed))]
    [InlineData("""{"\ud800":1,"type":"gossip"}""", nameof(GossipError.Malformed))]
    public void Read_SomethingElse_IsNamed(string text, string error) => Assert.Equal(error, Read(text, out _).ToString());

    [Fact]
    public void Read_UnknownSubtype_IsIgnored() =>
        Assert.Equal(GossipError.UnknownSubtype, Read(Vector.Replace("\"ping\"", "\"replicate\"", StringComparison.Ordinal), out _));

    [Fact]
    public void Read_LongMessageThatIsNoStateSync_IsRefusedBeforeItsSignature() =>
        Assert.Equal(GossipError.Malformed, Read(Vector.Replace("wss://a", $"wss://{new string('a', 20_000)}", StringComparison.Ordinal), out _));

    [Fact]
    public void Read_AnyChangeOfBytes_ThrowsNothingAndIsNotAccepted() =>
        Gen.Select(Gen.Int[0, Vector.Length - 1], Gen.Byte.Array[0, 6], Gen.Int[0, 6]).Sample((place, inserted, removed) =>
        {
            var bytes = Encoding.UTF8.GetBytes(Vector);
            byte[] changed = [.. bytes.AsSpan(0, place), .. inserted, .. bytes.AsSpan(Math.Min(bytes.Length, place + removed))];

            // Blanks and other spellings of the same are not signed.
            if (GossipReader.Read(changed, Peer.ServerId, At, Freshness, out var message) == GossipError.None)
            {
                Assert.Equal((1, new Ping()), (message!.Sequence, message.Body));
            }
        });

    private static byte[] Write(GossipBody body, long sequence, params Mention[] mentions) =>
        new GossipWriter(Peer.Identity, TimeProvider.System).Write(new SendGossip(1, body, mentions), sequence, At.ToUnixTimeMilliseconds());

    private static GossipError Read(string text, out GossipMessage? message) =>
        GossipReader.Read(Encoding.UTF8.GetBytes(text), Peer.ServerId, At, Freshness, out message);
}
