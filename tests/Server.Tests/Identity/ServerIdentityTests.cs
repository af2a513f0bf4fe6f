using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.Identity;

namespace Server.Tests.Identity;

public sealed class ServerIdentityTests
{
    // protocol.md 5.2: seed bytes 00..1f.
    private static readonly byte[] Seed = [.. Enumerable.Range(0, 32).Select(i => (byte)i)];

    [Fact]
    public void Names_KnownSeed_AreThoseOfTheProtocolPage()
    {
        using var identity = new ServerIdentity(Seed);

        Assert.Equal("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg", identity.ServerId);
        Assert.Equal("56475aa75463474c0285df5dbf2bcab73da65135", identity.NodeId);
        Assert.Equal("A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=", identity.PublicKeyBase64);
    }

    [Fact]
    public void Sign_KnownSeed_GivesTheSignatureOfTheProtocolPage()
    {
        const string Text =
            """{"serverId":"ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg","nodeId":"56475aa75463474c0285df5dbf2bcab73da65135","endpoint":"wss://a.example","publicKey":"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=","metadata":{"region":"eu"},"timestamp":1700000000000}""";
        using var identity = new ServerIdentity(Seed);

        var signature = identity.Sign(Encoding.UTF8.GetBytes(Text));

        Assert.Equal(
            "0ZZ/WfX9fshr7/yQtUIxazUnQmW0VJgyluCnihg0unOUYalJZfsDAjVC9YuqGvVjfhxR7yQh/sDDXNv4AztcBQ==",
            Convert.ToBase64String(signature));
    }

    [Fact]
    public void Verify_WrongKeySignatureOrData_IsFalse()
    {
        using var identity = new ServerIdentity(Seed);
        var data = "data"u8.ToArray();
        var signature = identity.Sign(data);

        Assert.True(ServerIdentity.Verify(identity.PublicKey, data, signature));
        Assert.False(ServerIdentity.Verify(identity.PublicKey, "dats"u8, signature));
        Assert.False(ServerIdentity.Verify(identity.PublicKey, data, signature.AsSpan(..63)));
        Assert.False(ServerIdentity.Verify(identity.PublicKey, data, new byte[64]));
        Assert.False(ServerIdentity.Verify(identity.PublicKey.AsSpan(..31), data, signature));

        // A point of small order, for which anybody could sign.
        var weak = new byte[32];
        weak[0] = 1;
        Assert.False(ServerIdentity.Verify(weak, data, [.. weak, .. new byte[32]]));
    }

    /// <summary>A recorded greeting proves nothing later, because what is bound says when.</summary>
    [Fact]
    public void Prove_EachTime_ShowsTheKeyWithANonceOfItsOwn()
    {
        using var identity = new ServerIdentity(Seed);
        var time = new FakeTimeProvider(DateTimeOffset.FromUnixTimeMilliseconds(1_700_000_000_123));

        var greeting = identity.Prove(time);

        var nonce = Convert.FromBase64String(greeting.Nonce);
        Assert.Equal(32, nonce.Length);
        Assert.Equal(identity.PublicKeyBase64, greeting.PublicKey);
        Assert.Equal(1_700_000_000_123, greeting.Timestamp);
        Assert.True(ServerIdentity.Verify(identity.PublicKey, nonce, Convert.FromBase64String(greeting.Signature)));
        var bound = $"relay-identity-v1\n{identity.ServerId}\n1700000000123\n{greeting.Nonce}";
        Assert.True(ServerIdentity.Verify(identity.PublicKey, Encoding.UTF8.GetBytes(bound), Convert.FromBase64String(greeting.Binding)));
        Assert.False(ServerIdentity.Verify(
            identity.PublicKey, Encoding.UTF8.GetBytes(bound.Replace("123", "124", StringComparison.Ordinal)), Convert.FromBase64String(greeting.Binding)));
        Assert.NotEqual(greeting.Nonce, identity.Prove(time).Nonce);
    }

    [Fact]
    public void Prove_FromManyThreads_IsAlwaysGood()
    {
        using var identity = new ServerIdentity(Seed);

        var good = Enumerable.Range(0, 200).AsParallel().All(_ =>
        {
            var greeting = identity.Prove(TimeProvider.System);
            return ServerIdentity.Verify(
                identity.PublicKey, Convert.FromBase64String(greeting.Nonce), Convert.FromBase64String(greeting.Signature));
        });

        Assert.True(good);
    }
}
