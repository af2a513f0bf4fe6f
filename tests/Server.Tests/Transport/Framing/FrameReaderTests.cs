using System.Runtime.CompilerServices;
using System.Text;
using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

/// <summary>Frames to messages: RFC 6455 sections 5.4 to 5.6, 7.1 and 8.1, and what a connection holds meanwhile.</summary>
public sealed class FrameReaderTests
{
    private const int Limit = 262_144;

    private readonly FrameReaderProbe _probe = new(Limit);

    [Theory]
    [InlineData(FrameOpcode.Text, FrameEventKind.Text)]
    [InlineData(FrameOpcode.Binary, FrameEventKind.Binary)]
    [InlineData(FrameOpcode.Ping, FrameEventKind.Ping)]
    [InlineData(FrameOpcode.Pong, FrameEventKind.Pong)]
    internal void Read_WholeFrames_StayWhereTheyWereReceived(FrameOpcode opcode, FrameEventKind kind)
    {
        byte[] fed = [.. Frames.Whole(opcode, "one"), .. Frames.Whole(opcode, ""), .. Frames.Whole(opcode, "three")];
        var reader = new FrameReader(FrameRole.Server, Limit);
        var rest = fed.AsMemory();
        foreach (var text in new[] { "one", "", "three" })
        {
            var found = reader.Read(rest.Span, out var consumed);

            Assert.Equal(kind, found.Kind);
            Assert.Equal(text, Encoding.UTF8.GetString(found.Payload));
            Assert.True(found.IsInPlace && found.Payload.Overlaps(fed) == (text.Length > 0));
            Assert.Equal(text, Encoding.UTF8.GetString(found.AsMemory(rest).Span));
            Assert.Equal(0, reader.HeldBytes);
            Assert.False(reader.IsMidMessage);
            rest = rest[consumed..];
        }

        Assert.Equal(FrameEventKind.None, reader.Read(rest.Span, out _).Kind);
    }

    [Fact]
    public void Read_Fragments_BecomeOneMessageOfTheFirstKind()
    {
        Assert.Equal(
            ["Binary a\u00FFbc"],
            _probe.Feed(
                Frames.Raw(0x02, "a\u00FF"), Frames.Raw(0x00, ""), Frames.Raw(0x00, "b"), Frames.Raw(0x80, "c")));
        Assert.Equal(["Text "], _probe.Feed(Frames.Raw(0x01, ""), Frames.Raw(0x80, "")));
        Assert.Equal(["Text after"], _probe.Feed(Frames.Raw(0x81, "after")));
        Assert.Equal(0, _probe.HeldBytes);
    }

    [Fact]
    public void Read_ControlFramesBetweenFragments_ComeAtOnceAndTheMessageGoesOn()
    {
        Assert.Equal(
            ["Ping 1", "Pong 2", "Text abc", "Ping 3"],
            _probe.Feed(
                Frames.Raw(0x01, "a"), Frames.Raw(0x89, "1"), Frames.Raw(0x00, "b"), Frames.Raw(0x8A, "2"), Frames.Raw(0x80, "c"), Frames.Raw(0x89, "3")));
    }

    [Fact]
    public void Read_ControlFrameInPiecesBetweenFragments_DoesNotMixWithTheMessage()
    {
        byte[] stream = [.. Frames.Raw(0x01, "message "), .. Frames.Raw(0x89, "ping payload"), .. Frames.Raw(0x80, "continues")];

        Assert.Equal(["Ping ping payload", "Text message continues"], _probe.Feed([.. stream.Select(value => new[] { value })]));
        Assert.Equal(0, _probe.HeldBytes);
    }

    [Theory]
    [InlineData("", "Close 1005 ")]
    [InlineData("\u0003\u00E8", "Close 1000 ")]
    [InlineData("\u0003\u00E9going away", "Close 1001 going away")]
    [InlineData("\u000F\u00A0own", "Close 4000 own")]
    [InlineData("\u0003", "Error CloseCodeIncomplete 1002")]
    [InlineData("\u0003\u00ED", "Error CloseCodeNotAllowed 1002")]
    [InlineData("\u0003\u00E8\u00FF", "Error InvalidCloseReason 1007")]
    public void Read_CloseFrame_EndsReading(string payload, string expected)
    {
        byte[] stream = [.. Frames.Raw(0x01, "unfinished"), .. Frames.Raw(0x88, payload), .. Frames.Raw(0x80, "late"), 0xFF];

        Assert.Equal([expected], _probe.Feed(stream));
        Assert.Equal([], _probe.Feed(Frames.Raw(0x81, "later")));
        Assert.False(_probe.IsMidMessage);
        Assert.Equal(0, _probe.HeldBytes);
        Assert.Equal([expected], new FrameReaderProbe(Limit).Feed([.. stream.Select(value => new[] { value })]));
    }

    [Theory]
    [InlineData("C1", "ReservedBits 1002")]
    [InlineData("83", "UnknownOpcode 1002")]
    [InlineData("0980", "FragmentedControlFrame 1002")]
    [InlineData("89FE", "ControlFrameTooLong 1002")]
    [InlineData("80", "UnexpectedContinuation 1002")]
    [InlineData("818000000000 0181000000006181", "ContinuationExpected 1002", "Text ")]
    [InlineData("8105", "Unmasked 1002")]
    [InlineData("81FE007D", "LengthNotMinimal 1002")]
    [InlineData("81FF8000000000000000", "LengthOutOfRange 1002")]
    [InlineData("81FF0000000000040001", "MessageTooBig 1009")]
    [InlineData("01FF0000000000040000", null)]
    [InlineData("818100000000FF", "InvalidText 1007")]
    [InlineData("818100000000C3", "InvalidText 1007")]
    [InlineData("01850000000061ED", null)]
    [InlineData("01850000000061EDA0", "InvalidText 1007")]
    public void Read_BrokenStream_EndsWithItsError(string hex, string? error, params string[] before)
    {
        var stream = Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));
        string[] expected = error is null ? before : [.. before, $"Error {error}"];

        Assert.Equal(expected, _probe.Feed(stream));
        Assert.Equal(error is null, _probe.IsMidMessage);
        Assert.Equal(expected, new FrameReaderProbe(Limit).Feed([.. stream.Select(value => new[] { value })]));
        if (error is not null)
        {
            Assert.Equal([], _probe.Feed(Frames.Raw(0x81, "ignored"), Frames.Raw(0x88, "")));
            Assert.Equal(0, _probe.HeldBytes);
        }
    }

    [Fact]
    public void Read_CharacterSplitOverFragments_IsChecked()
    {
        Assert.Equal(["Ping ", "Text é"], _probe.Feed(Frames.Raw(0x01, "\u00C3"), Frames.Raw(0x89, ""), Frames.Raw(0x80, "\u00A9")));
        Assert.Equal(["Error InvalidText 1007"], _probe.Feed(Frames.Raw(0x01, "\u00C3"), Frames.Raw(0x80, "")));
    }

    [Fact]
    public void Read_MessageAtTheLimit_IsTakenAndOneByteMoreIsRefusedAtItsHeader()
    {
        var text = new string('x', 1000);
        Assert.Equal([$"Text {text}"], new FrameReaderProbe(1000).Feed(Frames.Raw(0x81, text)));
        Assert.Equal([$"Text {text}"], new FrameReaderProbe(1000).Feed(Frames.Raw(0x01, text[..999]), Frames.Raw(0x00, "x"), Frames.Raw(0x80, "")));

        // The sum over fragments counts, before any of the last fragment's payload is there.
        Assert.Equal(
            ["Ping 1234567890", "Error MessageTooBig 1009"],
            new FrameReaderProbe(1000).Feed(Frames.Raw(0x01, text[..999]), Frames.Raw(0x89, "1234567890"), Frames.Raw(0x80, "xx")[..2]));
    }

    [Fact]
    public void HeldBytes_AnnouncedMuchSentLittle_IsForWhatWasSent()
    {
        var frame = Frames.Raw(0x81, new string('x', Limit));
        var fed = 14;
        _probe.Feed(frame[..fed]);
        Assert.Equal(0, _probe.HeldBytes);
        Assert.True(_probe.IsMidMessage);

        foreach (var piece in new[] { 1, 1, 100, 1000, 1, 30_000, 100_000, 100_000 })
        {
            _probe.Feed(frame[fed..(fed + piece)]);
            fed += piece;
            Assert.InRange(_probe.HeldBytes, fed - 14, Math.Max(16, Math.Min(2 * (fed - 14), Limit)));
        }

        Assert.Single(_probe.Feed(frame[fed..]));
        Assert.Equal(0, _probe.HeldBytes);
    }

    [Fact]
    public void Release_AfterAMessageInPieces_GivesItsBufferBack()
    {
        var frame = Frames.Raw(0x81, "in pieces");
        var reader = new FrameReader(FrameRole.Server, Limit);
        reader.Read(frame.AsSpan(0, 10), out _);
        var found = reader.Read(frame.AsSpan(10), out var consumed);

        Assert.Equal(frame.Length - 10, consumed);
        Assert.False(found.IsInPlace);
        Assert.Equal("in pieces"u8, found.Payload);
        Assert.Equal("in pieces"u8, found.AsMemory(default).Span);
        Assert.True(reader.HeldBytes > 0);
        Assert.False(reader.IsMidMessage);

        reader.Release();
        reader.Release();
        Assert.Equal(0, reader.HeldBytes);
    }

    [Fact]
    public void Release_WithinAMessage_KeepsIt()
    {
        var reader = new FrameReader(FrameRole.Server, Limit);
        reader.Read(Frames.Raw(0x01, "a"), out _);
        byte[] ping = Frames.Raw(0x89, "ping");
        reader.Read(ping.AsSpan(0, 8), out _);
        Assert.Equal(FrameEventKind.Ping, reader.Read(ping.AsSpan(8), out _).Kind);

        reader.Release();

        Assert.True(reader.IsMidMessage);
        Assert.Equal("ab"u8, reader.Read(Frames.Raw(0x80, "b"), out _).Payload);
    }

    [Fact]
    public void Dispose_WithinAMessage_GivesEverythingBack()
    {
        var reader = new FrameReader(FrameRole.Server, Limit);
        byte[] stream = [.. Frames.Raw(0x01, "a"), 0x89];
        reader.Read(stream, out _);
        Assert.True(reader.HeldBytes > 0);

        reader.Dispose();
        reader.Dispose();

        Assert.Equal(0, reader.HeldBytes);
        Assert.Equal(FrameEventKind.None, reader.Read(Frames.Raw(0x80, "b"), out _).Kind);
    }

    [Fact]
    public void IsMidMessage_FromTheFirstByteToTheLast_IsTrue()
    {
        Assert.False(_probe.IsMidMessage);
        byte[] stream = [.. Frames.Raw(0x01, "ab"), .. Frames.Raw(0x89, "p"), .. Frames.Raw(0x80, "")];
        foreach (var value in stream[..^1])
        {
            _probe.Feed([value]);
            Assert.True(_probe.IsMidMessage);
        }

        Assert.Equal(["Text ab"], _probe.Feed([stream[^1]]));
        Assert.False(_probe.IsMidMessage);
    }

    [Fact]
    public void Read_AsClient_TakesUnmaskedFramesAndRefusesMaskedOnes()
    {
        var reader = new FrameReader(FrameRole.Client, Limit);
        byte[] stream = [0x81, 0x02, .. "hi"u8, 0x81, 0x80];

        Assert.Equal("hi"u8, reader.Read(stream, out var consumed).Payload);
        Assert.Equal(FrameError.Masked, reader.Read(stream.AsSpan(consumed), out _).Error);
    }

    [Fact]
    public void Read_WholeMessages_AllocateNothing()
    {
        byte[] stream = [.. Frames.Whole(FrameOpcode.Text, new string('€', 100)), .. Frames.Whole(FrameOpcode.Ping, "p"), .. Frames.Whole(FrameOpcode.Binary, "b")];
        var fed = new byte[stream.Length];

        // A collection at the wrong moment counts what is left of the thread's allocation buffer; what the reader allocates it
        // allocates every time.
        Assert.Equal(0, Enumerable.Range(0, 5).Min(_ => AllocatedBytes(10_000, stream, fed, fed.Length)));
    }

    [Fact]
    public void Read_MessagesInPieces_UseTheSameBuffersAgain()
    {
        var stream = Frames.Whole(FrameOpcode.Text, new string('€', 1000));

        // Thirty million bytes pass; a collection may empty the pool now and then.
        Assert.InRange(AllocatedBytes(10_000, stream, new byte[stream.Length], 1000), 0, 100_000);
    }

    [Fact]
    public void Size_OfTheState_IsSmall() => Assert.InRange(Unsafe.SizeOf<FrameReader>(), 1, 56);

    private static long AllocatedBytes(int rounds, byte[] stream, byte[] fed, int pieceBytes)
    {
        var reader = new FrameReader(FrameRole.Server, Limit);
        var before = 0L;
        for (var round = -10; round < rounds; round++)
        {
            if (round == 0)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            // Reading unmasks in place.
            stream.CopyTo(fed, 0);
            for (var at = 0; at < fed.Length; at += pieceBytes)
            {
                var rest = fed.AsSpan(at, Math.Min(pieceBytes, fed.Length - at));
                while (reader.Read(rest, out var consumed).Kind is var kind && kind != FrameEventKind.None)
                {
                    if (kind == FrameEventKind.Error)
                    {
                        throw new InvalidOperationException("The stream is broken.");
                    }

                    rest = rest[consumed..];
                }
            }
        }

        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
