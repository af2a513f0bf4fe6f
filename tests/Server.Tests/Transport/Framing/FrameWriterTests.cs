using System.Text;
using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

public sealed class FrameWriterTests
{
    [Theory]
    [InlineData(0, "8100")]
    [InlineData(125, "817D")]
    [InlineData(126, "817E007E")]
    [InlineData(65_535, "817EFFFF")]
    [InlineData(65_536, "817F0000000000010000")]
    internal void Prepend_AsServer_WritesTheShortestHeadRightBeforeThePayload(int length, string head)
    {
        var buffer = new byte[FrameHead.MaxBytes + length];
        buffer.AsSpan(FrameHead.MaxBytes).Fill((byte)'x');

        var start = FrameWriter.Prepend(buffer, FrameHead.MaxBytes, FrameOpcode.Text, FrameRole.Server);

        Assert.Equal(FrameHead.MaxBytes - (head.Length / 2), start);
        Assert.Equal(head, Convert.ToHexString(buffer.AsSpan(start, FrameHead.MaxBytes - start)));
        Assert.Equal(-1, buffer.AsSpan(FrameHead.MaxBytes).IndexOfAnyExcept((byte)'x'));
        Assert.Equal(0, FrameHead.MaxBytes - start - FrameWriter.HeadBytes(length, FrameRole.Server));
    }

    [Theory]
    [InlineData(FrameRole.Server)]
    [InlineData(FrameRole.Client)]
    internal void Prepend_AnyLength_IsReadByTheOtherEnd(FrameRole role)
    {
        foreach (var length in new[] { 0, 1, 2, 3, 4, 5, 124, 125, 126, 127, 1000, 65_535, 65_536, 70_000 })
        {
            var payload = new byte[length];
            new Random(length).NextBytes(payload);
            var headRoom = FrameWriter.HeadBytes(length, role);
            byte[] buffer = [.. new byte[headRoom], .. payload];

            Assert.Equal(0, FrameWriter.Prepend(buffer, headRoom, FrameOpcode.Binary, role));

            var reader = new FrameReader(Other(role), 70_000);
            var found = reader.Read(buffer, out var consumed);
            Assert.Equal(FrameEventKind.Binary, found.Kind);
            Assert.Equal(payload, found.Payload.ToArray());
            Assert.Equal(buffer.Length, consumed);
        }
    }

    [Fact]
    public void Prepend_AsClient_HidesThePayloadUnderANewKeyEachTime()
    {
        var frames = Enumerable.Range(0, 100).Select(_ =>
        {
            byte[] buffer = [.. new byte[6], .. "the same text"u8];
            FrameWriter.Prepend(buffer, 6, FrameOpcode.Text, FrameRole.Client);
            return Convert.ToHexString(buffer);
        });

        Assert.InRange(frames.Distinct().Count(), 99, 100);
    }

    [Theory]
    [InlineData(FrameRole.Server, "890568656C6C6F")]
    [InlineData(FrameRole.Client, null)]
    internal void Write_ControlFrame_IsReadByTheOtherEnd(FrameRole role, string? expected)
    {
        var payload = "hello"u8.ToArray();
        var buffer = new byte[FrameWriter.MaxControlBytes];

        var length = FrameWriter.Write(buffer, FrameOpcode.Ping, payload, role);

        if (expected is not null)
        {
            Assert.Equal(expected, Convert.ToHexString(buffer.AsSpan(0, length)));
        }

        var reader = new FrameReader(Other(role), 0);
        var found = reader.Read(buffer.AsSpan(0, length), out _);
        Assert.Equal(FrameEventKind.Ping, found.Kind);
        Assert.Equal(payload, found.Payload.ToArray());
        Assert.Equal("hello"u8, payload);
    }

    [Theory]
    [InlineData(FrameRole.Server, 1013, "Server at capacity")]
    [InlineData(FrameRole.Client, 4003, "Duplicate connection")]
    [InlineData(FrameRole.Server, 1009, "")]
    [InlineData(FrameRole.Client, 1005, "")]
    internal void WriteClose_AnyRole_IsReadByTheOtherEnd(FrameRole role, int code, string reason)
    {
        var buffer = new byte[FrameWriter.MaxControlBytes];

        var length = FrameWriter.WriteClose(buffer, (ushort)code, reason, role);

        var reader = new FrameReader(Other(role), 0);
        var found = reader.Read(buffer.AsSpan(0, length), out _);
        Assert.Equal(FrameEventKind.Close, found.Kind);
        Assert.Equal(code, found.CloseCode);
        Assert.Equal(reason, Encoding.UTF8.GetString(found.Payload));
    }

    [Fact]
    public void WriteClose_LongestFrame_FitsItsConstant()
    {
        var buffer = new byte[FrameWriter.MaxControlBytes];

        Assert.Equal(buffer.Length, FrameWriter.WriteClose(buffer, 1000, new string('x', 500), FrameRole.Client));
    }

    [Fact]
    public void Write_ControlFrameAbove125Bytes_Throws() => Assert.Throws<ArgumentOutOfRangeException>(
        () => FrameWriter.Write(new byte[300], FrameOpcode.Pong, new byte[126], FrameRole.Server));

    [Fact]
    public void HeadBytes_Longest_IsTheConstant() =>
        Assert.Equal(FrameHead.MaxBytes, FrameWriter.HeadBytes(int.MaxValue, FrameRole.Client));

    private static FrameRole Other(FrameRole role) => role == FrameRole.Server ? FrameRole.Client : FrameRole.Server;
}
