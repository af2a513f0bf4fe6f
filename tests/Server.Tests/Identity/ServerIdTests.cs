using CsCheck;
using Relay.Identity;

namespace Server.Tests.Identity;

public sealed class ServerIdTests
{
    private const string Id = "ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg";

    [Theory]
    [InlineData(Id)]
    [InlineData("ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg=")]
    [InlineData("ed25519:A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")]
    public void TryParse_EitherAlphabet_GivesTheKey(string text)
    {
        Assert.True(ServerId.TryParse(text, out var key));
        Assert.Equal(Id, ServerId.Format(key));
        Assert.Equal("56475aa75463474c0285df5dbf2bcab73da65135", ServerId.NodeId(key));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("ed25519:")]
    [InlineData("ED25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")]
    [InlineData("A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")]
    [InlineData("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMb")]
    [InlineData("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbgA")]
    [InlineData("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbgAAAAA")]
    // Bits in the last letter that no byte uses.
    [InlineData("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbh")]
    [InlineData("ed25519: A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg")]
    [InlineData("ed25519:A6EHv_POEL4d cN0Y50vAmWfk1jCbpQ1fHdyGZBJVMb")]
    [InlineData("ed25519:A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVM\u00e9g")]
    public void TryParse_Malformed_IsFalse(string? text) => Assert.False(ServerId.TryParse(text, out _));

    [Fact]
    public void TryParse_AnyKey_ComesBack() => Gen.Byte.Array[ServerId.KeyBytes].Sample(key =>
        ServerId.TryParse(ServerId.Format(key), out var parsed) && parsed.SequenceEqual(key));

    [Fact]
    public void TryParse_AnyText_DoesNotThrow() => Gen.String.Sample(text => !ServerId.TryParse("ed25519:" + text, out var key) || key.Length == 32);
}
