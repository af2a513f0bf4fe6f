using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

/// <summary>The header of a frame: RFC 6455 section 5.2, as far as it concerns a receiver without extensions.</summary>
public sealed class FrameHeadTests
{
    private const int Limit = 100_000;

    [Theory]
    [InlineData("8180 37FA213D", FrameOpcode.Text, true, 0)]
    [InlineData("0185 37FA213D", FrameOpcode.Text, false, 5)]
    [InlineData("82FD 37FA213D", FrameOpcode.Binary, true, 125)]
    [InlineData("82FE007E 37FA213D", FrameOpcode.Binary, true, 126)]
    [InlineData("82FEFFFF 37FA213D", FrameOpcode.Binary, true, 65_535)]
    [InlineData("82FF0000000000010000 37FA213D", FrameOpcode.Binary, true, 65_536)]
    [InlineData("82FF00000000000186A0 37FA213D", FrameOpcode.Binary, true, Limit)]
    [InlineData("88FD 37FA213D", FrameOpcode.Close, true, 125)]
    [InlineData("8980 37FA213D", FrameOpcode.Ping, true, 0)]
    [InlineData("8A81 37FA213D", FrameOpcode.Pong, true, 1)]
    internal void Read_FromClient_IsCompleteAtItsLastByteOnly(string hex, FrameOpcode opcode, bool isFinal, int length)
    {
        var bytes = Bytes(hex);
        for (var arrived = 0; arrived < bytes.Length; arrived++)
        {
            Assert.Equal(FrameError.None, FrameHead.Read(bytes.AsSpan(0, arrived), FrameRole.Server, false, Limit, out var incomplete));
            Assert.Equal(default, incomplete);
        }

        byte[] more = [.. bytes, 0xFF, 0xFF];
        Assert.Equal(FrameError.None, FrameHead.Read(more, FrameRole.Server, false, Limit, out var head));
        Assert.Equal(new FrameHead(opcode, isFinal, length, BitConverter.ToUInt32(bytes, bytes.Length - 4), bytes.Length), head);
    }

    [Theory]
    [InlineData("8100", 0)]
    [InlineData("817D", 125)]
    [InlineData("817E007E", 126)]
    [InlineData("817F0000000000010000", 65_536)]
    internal void Read_FromServer_HasNoMask(string hex, int length)
    {
        var bytes = Bytes(hex);

        Assert.Equal(FrameError.None, FrameHead.Read(bytes, FrameRole.Client, false, Limit, out var head));
        Assert.Equal(new FrameHead(FrameOpcode.Text, true, length, 0, bytes.Length), head);
    }

    // The last byte given is the first that shows the error.
    [Theory]
    [InlineData("C1", FrameError.ReservedBits)]
    [InlineData("A1", FrameError.ReservedBits)]
    [InlineData("91", FrameError.ReservedBits)]
    [InlineData("F9", FrameError.ReservedBits)]
    [InlineData("83", FrameError.UnknownOpcode)]
    [InlineData("04", FrameError.UnknownOpcode)]
    [InlineData("85", FrameError.UnknownOpcode)]
    [InlineData("06", FrameError.UnknownOpcode)]
    [InlineData("87", FrameError.UnknownOpcode)]
    [InlineData("8B", FrameError.UnknownOpcode)]
    [InlineData("0C", FrameError.UnknownOpcode)]
    [InlineData("8D", FrameError.UnknownOpcode)]
    [InlineData("8E", FrameError.UnknownOpcode)]
    [InlineData("8F", FrameError.UnknownOpcode)]
    [InlineData("08", FrameError.FragmentedControlFrame)]
    [InlineData("09", FrameError.FragmentedControlFrame)]
    [InlineData("0A", FrameError.FragmentedControlFrame)]
    [InlineData("80", FrameError.UnexpectedContinuation)]
    [InlineData("00", FrameError.UnexpectedContinuation)]
    [InlineData("8100", FrameError.Unmasked)]
    [InlineData("890F", FrameError.Unmasked)]
    [InlineData("89FE", FrameError.ControlFrameTooLong)]
    [InlineData("88FF", FrameError.ControlFrameTooLong)]
    [InlineData("8AFE", FrameError.ControlFrameTooLong)]
    [InlineData("81FE0000", FrameError.LengthNotMinimal)]
    [InlineData("81FE007D", FrameError.LengthNotMinimal)]
    [InlineData("81FF0000000000000000", FrameError.LengthNotMinimal)]
    [InlineData("81FF000000000000FFFF", FrameError.LengthNotMinimal)]
    [InlineData("81FF8000000000000000", FrameError.LengthOutOfRange)]
    [InlineData("81FFFFFFFFFFFFFFFFFF", FrameError.LengthOutOfRange)]
    [InlineData("81FF00000000000186A1", FrameError.MessageTooBig)]
    [InlineData("82FF0000000100000000", FrameError.MessageTooBig)]
    [InlineData("01FF7FFFFFFFFFFFFFFF", FrameError.MessageTooBig)]
    internal void Read_BrokenHead_IsRefusedAtTheByteThatShowsIt(string hex, FrameError error) =>
        AssertRefusedAtLastByte(Bytes(hex), FrameRole.Server, isMidMessage: false, Limit, error);

    [Theory]
    [InlineData("81", FrameError.ContinuationExpected)]
    [InlineData("01", FrameError.ContinuationExpected)]
    [InlineData("82", FrameError.ContinuationExpected)]
    internal void Read_NewMessageWithinAnother_IsRefusedAtItsFirstByte(string hex, FrameError error) =>
        AssertRefusedAtLastByte(Bytes(hex), FrameRole.Server, isMidMessage: true, Limit, error);

    [Theory]
    [InlineData("8080")]
    [InlineData("0080")]
    [InlineData("8980")]
    [InlineData("8880")]
    internal void Read_ContinuationOrControlFrameWithinAMessage_IsFine(string hex) =>
        Assert.Equal(FrameError.None, FrameHead.Read(Bytes(hex), FrameRole.Server, isMidMessage: true, Limit, out _));

    [Fact]
    public void Read_MaskedFrameOfAServer_IsRefused() =>
        AssertRefusedAtLastByte(Bytes("8180"), FrameRole.Client, isMidMessage: false, Limit, FrameError.Masked);

    [Fact]
    public void Read_LengthAboveWhatIsLeft_IsRefusedAtTheLength()
    {
        AssertRefusedAtLastByte(Bytes("8086"), FrameRole.Server, isMidMessage: true, capacity: 5, FrameError.MessageTooBig);
        Assert.Equal(FrameError.None, FrameHead.Read(Bytes("8085"), FrameRole.Server, true, 5, out _));
        Assert.Equal(FrameError.None, FrameHead.Read(Bytes("8986"), FrameRole.Server, true, 0, out _));
    }

    private static void AssertRefusedAtLastByte(byte[] bytes, FrameRole role, bool isMidMessage, int capacity, FrameError error)
    {
        Assert.Equal(FrameError.None, FrameHead.Read(bytes.AsSpan(0, bytes.Length - 1), role, isMidMessage, capacity, out _));
        Assert.Equal(error, FrameHead.Read(bytes, role, isMidMessage, capacity, out var head));
        Assert.Equal(default, head);

        // More bytes change nothing.
        byte[] more = [.. bytes, .. new byte[FrameHead.MaxBytes]];
        Assert.Equal(error, FrameHead.Read(more, role, isMidMessage, capacity, out _));
    }

    private static byte[] Bytes(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
}
