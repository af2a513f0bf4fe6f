using System.Text;
using System.Text.Json.Nodes;
using CsCheck;
using Relay.Federation;
using Relay.Identity;
using Relay.Protocol;

namespace Server.Tests.Federation;

public sealed class PeerHandshakeTests
{
    // protocol.md 5.2 and 5.3.
    private const string Vector =
        """{"type":"handshake","serverId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","nodeId":"56475aa75463474c0285df5dbf2bcab73da65135","endpoint":"wss://a.example","publicKey":"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=","metadata":{"region":"eu"},"timestamp":1700000000000,"signature":"0ZZ/WfX9fshr7/yQtUIxazUnQmW0VJgyluCnihg0unOUYalJZfsDAjVC9YuqGvVjfhxR7yQh/sDDXNv4AztcBQ=="}""";

    private const string Gossip =
        """{"type":"gossip","subtype":"ping","senderId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","sequenceNumber":1,"timestamp":1700000000000,"payload":{},"piggyback":[{"serverId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","status":"alive","incarnation":0,"endpoint":"wss://a.example","nodeId":"56475aa75463474c0285df5dbf2bcab73da65135"}]}""";

    private const string GossipSignature = "YAVczp+vQIKwXeqg+jp0T0fvrPNZNp2zbVXAdknAPECdUes2D2CMj4A7WZO2yQm7PdXTA7tl/tBqRLPj7EboBA==";

    private static readonly DateTimeOffset At = DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_000);

    [Fact]
    public void TryParse_VectorOfTheProtocolPage_IsSigned()
    {
        Assert.Equal(CloseReason.None, PeerHandshake.TryParse(Encoding.UTF8.GetBytes(Vector), out var handshake));

        Assert.True(handshake!.IsSigned);
        Assert.Equal("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", handshake.ServerId);
        Assert.Equal("wss://a.example", handshake.Endpoint);
        Assert.Equal("eu", handshake.Region);
        Assert.Equal(At, handshake.SignedAt);
    }

    [Fact]
    public void TryParse_VectorWrittenOtherwise_IsStillSigned()
    {
        var text = Vector.Replace(",", " ,\n", StringComparison.Ordinal)
            .Replace("wss://a", "\\u0077ss:\\/\\/a", StringComparison.Ordinal)
            .Replace("\"type\"", "\"typ\\u0065\"", StringComparison.Ordinal);

        PeerHandshake.TryParse(Encoding.UTF8.GetBytes(text), out var handshake);

        Assert.True(handshake!.IsSigned);
    }

    [Fact]
    public void TryWriteObject_GossipVectorOfTheProtocolPage_IsWhatWasSigned()
    {
        using var signer = new PeerSigner();
        var whole = Gossip[..^1] + $",\"signature\":\"{GossipSignature}\"}}";

        Assert.True(CanonicalJson.TryWriteObject(Encoding.UTF8.GetBytes(whole), ["signature"], out var signed));

        Assert.Equal(Gossip, Encoding.UTF8.GetString(signed));
        Assert.True(ServerIdentity.Verify(signer.Identity.PublicKey, signed, Convert.FromBase64String(GossipSignature)));
    }

    [Fact]
    public void TryParse_OrderOfSignedFields_Matters()
    {
        var swapped = Vector.Replace("\"metadata\":{\"region\":\"eu\"},\"timestamp\":1700000000000", "\"timestamp\":1700000000000,\"metadata\":{\"region\":\"eu\"}", StringComparison.Ordinal);

        Assert.Equal(CloseReason.None, PeerHandshake.TryParse(Encoding.UTF8.GetBytes(swapped), out var handshake));
        Assert.False(handshake!.IsSigned);
    }

    [Fact]
    public void TryParse_MoreSignedFieldsAndText_IsSigned()
    {
        using var signer = new PeerSigner();
        var bytes = signer.Handshake(At, fields =>
        {
            fields["metadata"] = new JsonObject { ["z"] = 1.5, ["region"] = "Ōsaka <&+'> 😀", ["a"] = new JsonArray(null, true, "\u2028\u0001") };
            fields["version"] = "2";
        });

        Assert.Equal(CloseReason.None, PeerHandshake.TryParse(bytes, out var handshake));
        Assert.True(handshake!.IsSigned);
        Assert.Equal("Ōsaka <&+'> 😀", handshake.Region);
    }

    [Fact]
    public void TryParse_NoMetadata_IsSigned()
    {
        using var signer = new PeerSigner();

        Assert.Equal(CloseReason.None, PeerHandshake.TryParse(signer.Handshake(At, fields => fields.Remove("metadata")), out var handshake));
        Assert.True(handshake!.IsSigned);
        Assert.Equal("", handshake.Region);
    }

    [Fact]
    public void TryParse_IdInStandardBase64_HasTheUsualName()
    {
        using var signer = new PeerSigner();
        var bytes = signer.Handshake(At, fields => fields["serverId"] = "ed25519:" + signer.Identity.PublicKeyBase64);

        PeerHandshake.TryParse(bytes, out var handshake);

        Assert.True(handshake!.IsSigned);
        Assert.Equal(signer.ServerId, handshake.ServerId);
    }

    public static TheoryData<string, string> Wrong => new()
    {
        { "type", "\"handshake_ack\"" },
        { "type", "\"gossip\"" },
        { "type", "1" },
        { "audience", "1" },
        { "kind", "{}" },
        { "serverId", "null" },
        { "serverId", "\"ed25519:AAAA\"" },
        { "serverId", "\"\\ud800\"" },
        { "serverId", "\"ed25519:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA\"" },
        { "nodeId", "\"\"" },
        { "nodeId", "\"56475AA75463474C0285DF5DBF2BCAB73DA65135\"" },
        { "nodeId", "[]" },
        { "publicKey", "\"A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg\"" },
        { "publicKey", "\"AAAA\"" },
        { "publicKey", "{}" },
        { "endpoint", "\"\"" },
        { "endpoint", "\"https://a.example\"" },
        { "endpoint", "\"/federation\"" },
        { "endpoint", "\"wss://a.example/\\u001b[2J\"" },
        { "endpoint", "7" },
        { "metadata", "\"eu\"" },
        { "metadata", "[]" },
        { "metadata", "{\"region\":1}" },
        { "metadata", "{\"region\":\"\\u0007\"}" },
        { "timestamp", "\"1700000000000\"" },
        { "timestamp", "1700000000000.5" },
        { "timestamp", "-1" },
        { "timestamp", "99999999999999999" },
        { "timestamp", "1e400" },
        { "timestamp", "null" },
        { "signature", "null" },
        { "signature", "\"\"" },
        { "signature", "\"AAAA\"" },
        { "signature", "\"0ZZ/WfX9fshr7/yQtUIxazUnQmW0VJgyluCnihg0unOUYalJZfsDAjVC9YuqGvVjfhxR7yQh/sDDXNv4AztcBQ\"" },
        { "signature", "\" 0ZZ/WfX9fshr7/yQtUIxazUnQmW0VJgyluCnihg0unOUYalJZfsDAjVC9YuqGvVjfhxR7yQh/sDDXNv4AztcBQ==\"" },
    };

    [Theory]
    [MemberData(nameof(Wrong))]
    public void TryParse_WrongField_IsInvalid(string field, string value)
    {
        using var signer = new PeerSigner();
        var bytes = signer.Handshake(At, afterSigning: fields => fields[field] = "@@");
        var text = Encoding.UTF8.GetString(bytes).Replace("\"@@\"", value, StringComparison.Ordinal);

        Assert.Equal(CloseReason.HandshakeInvalid, PeerHandshake.TryParse(Encoding.UTF8.GetBytes(text), out var handshake));
        Assert.Null(handshake);
    }

    [Theory]
    [InlineData("type")]
    [InlineData("serverId")]
    [InlineData("nodeId")]
    [InlineData("publicKey")]
    [InlineData("endpoint")]
    [InlineData("timestamp")]
    [InlineData("signature")]
    public void TryParse_MissingField_IsInvalid(string field)
    {
        using var signer = new PeerSigner();
        var bytes = signer.Handshake(At, afterSigning: fields => fields.Remove(field));

        Assert.Equal(CloseReason.HandshakeInvalid, PeerHandshake.TryParse(bytes, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("hello")]
    [InlineData("{\"type\":\"handshake\"")]
    [InlineData("{\"type\":\"register\",\"pairingCode\":\"ABCDEF\"}")]
    public void TryParse_NoHandshake_IsInvalid(string text) =>
        Assert.Equal(CloseReason.HandshakeInvalid, PeerHandshake.TryParse(Encoding.UTF8.GetBytes(text), out _));

    [Fact]
    public void TryParse_Over16Kilobytes_IsInvalid()
    {
        using var signer = new PeerSigner();

        Assert.Equal(CloseReason.None, PeerHandshake.TryParse(signer.Handshake(At, fields => fields["pad"] = new string('x', 15_000)), out _));
        Assert.Equal(CloseReason.HandshakeInvalid, PeerHandshake.TryParse(signer.Handshake(At, fields => fields["pad"] = new string('x', 16_384)), out _));
    }

    [Fact]
    public void TryParse_KeyTwice_IsInvalid()
    {
        var text = Vector[..^1] + ",\"endpoint\":\"wss://evil.example\"}";

        Assert.Equal(CloseReason.HandshakeInvalid, PeerHandshake.TryParse(Encoding.UTF8.GetBytes(text), out _));
    }

    [Fact]
    public void TryParse_AnyByteOfTheVectorChanged_IsNeverSignedAndDoesNotThrow() =>
        Gen.Select(Gen.Int[0, Vector.Length - 1], Gen.Byte).Sample((index, value) =>
        {
            var bytes = Encoding.UTF8.GetBytes(Vector);
            var same = bytes[index] == value;
            bytes[index] = value;
            return PeerHandshake.TryParse(bytes, out var handshake) != CloseReason.None || handshake!.IsSigned == same;
        });

    [Fact]
    public void Acknowledge_Always_IsAHandshakeForThePeerAndOfItsKind()
    {
        using var signer = new PeerSigner();
        var time = new Microsoft.Extensions.Time.Testing.FakeTimeProvider(At);
        var options = new IdentityOptions { PublicEndpoint = "wss://a.example", Region = "eu" };

        var text = Encoding.UTF8.GetString(PeerMessages.Acknowledge(signer.Identity, options, "ed25519:AA", time));

        Assert.StartsWith(
            Vector[..Vector.IndexOf(",\"signature\"", StringComparison.Ordinal)].Replace("\"handshake\"", "\"handshake_ack\"", StringComparison.Ordinal)
            + ",\"audience\":\"ed25519:AA\",\"kind\":\"handshake_ack\",\"signature\":",
            text,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Acknowledge_NoRegion_HasEmptyMetadata()
    {
        using var signer = new PeerSigner();

        var text = Encoding.UTF8.GetString(PeerMessages.Acknowledge(signer.Identity, new IdentityOptions { PublicEndpoint = "wss://a.example" }, "ed25519:AA", TimeProvider.System));

        Assert.Contains("\"metadata\":{},", text, StringComparison.Ordinal);
        PeerHandshake.TryParse(Encoding.UTF8.GetBytes(text.Replace("\"type\":\"handshake_ack\"", "\"type\":\"handshake\"", StringComparison.Ordinal)), out var handshake);
        Assert.True(handshake!.IsSigned);
    }
}
