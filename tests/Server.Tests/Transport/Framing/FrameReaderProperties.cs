using CsCheck;
using Relay.Transport.Framing;
using Server.Tests.Fuzz;

namespace Server.Tests.Transport.Framing;

/// <summary>Any frames, good and hostile, split anywhere, are read as the slow decoder reads them.</summary>
public sealed class FrameReaderProperties
{
    private const int Limit = 400;

    private static readonly byte[] Usual = [0x81, 0x82, 0x01, 0x02, 0x00, 0x00, 0x80, 0x80, 0x89, 0x8A];

    private static readonly Gen<byte[]> Text = Gen.Select(Gen.String[0, 60], Gen.Int[0, 20], Gen.Byte, (text, broken, value) =>
    {
        // Lone surrogates become a replacement character; a byte is broken now and then.
        var bytes = System.Text.Encoding.UTF8.GetBytes(text);
        if (broken == 0 && bytes.Length > 0)
        {
            bytes[value % bytes.Length] = value;
        }

        return bytes;
    });

    private static readonly Gen<byte[]> Payload = Gen.Frequency(
        (6, Text),
        (1, Gen.Byte.Array[0, 5]),
        (1, Gen.Int[100, 140].Select(length => new byte[length])),
        (1, Gen.Int[Limit - 2, Limit + 2].Select(length => new byte[length])),
        (2, Gen.Select(Gen.Int[995, 1018], Text, (code, reason) => (byte[])[(byte)(code >> 8), (byte)code, .. reason])));

    // Mostly what may be sent; then anything.
    private static readonly Gen<byte> FirstByte = Gen.Frequency(
        (20, Gen.Int[0, 9].Select(which => Usual[which])),
        (1, Gen.Const((byte)0x88)),
        (1, Gen.Byte));

    private static readonly Gen<(byte First, byte[] Payload, uint Mask, int Oddity)> Frame =
        Gen.Select(FirstByte, Payload, Gen.UInt, Gen.Int[0, 60]);

    private static readonly Gen<(byte[] Bytes, bool FromClient)> Stream =
        Gen.Select(Frame.Array[0, 8], Gen.Bool, Gen.Int[0, 80], (frames, fromClient, missing) =>
        {
            byte[] all = [.. frames.SelectMany(frame => Encode(frame.First, frame.Payload, frame.Mask, frame.Oddity, fromClient))];
            return (missing > 20 ? all : all[..^Math.Min(missing, all.Length)], fromClient);
        });

    [Fact]
    public void Read_AnyStreamInAnyPieces_IsWhatTheSlowDecoderReads() =>
        Gen.Select(Stream, Gen.Int[0, 40].Array[1, 20]).Sample(
            (stream, pieces) =>
            {
                var (given, fromClient) = stream;
                var role = fromClient ? FrameRole.Server : FrameRole.Client;
                var next = 0;
                var (events, isMidMessage) = SlowFrameDecoder.Decode(given, fromClient, Limit);

                // Zero bytes are a piece, too; one of each round is not, so that there is an end.
                var (found, isFoundMid) = FramePieces.Read(given, role, Limit, left => Math.Min(left, ++next % (pieces.Length + 1) == 0 ? 1 : pieces[(next - 1) % pieces.Length]));

                Assert.Equal(events, found);
                Assert.Equal(isMidMessage, isFoundMid);
            },
            iter: 20_000);

    [Fact]
    public void Restore_BetweenAnyPieces_GoesOnAsIfNothingHadBeen() =>
        Gen.Select(Stream, Gen.Int[1, 40].Array[1, 20], Gen.Int).Sample(
            (stream, pieces, seed) =>
            {
                var (given, fromClient) = stream;
                var (next, random) = (0, new Random(seed));
                var (events, isMidMessage) = SlowFrameDecoder.Decode(given, fromClient, Limit);
                var (found, isFoundMid) = FramePieces.Read(
                    given, fromClient ? FrameRole.Server : FrameRole.Client, Limit, left => Math.Min(left, pieces[next++ % pieces.Length]), () => random.Next(2) == 0);

                Assert.Equal(events, found);
                Assert.Equal(isMidMessage, isFoundMid);
            },
            iter: 20_000);

    private static byte[] Encode(byte first, byte[] payload, uint mask, int oddity, bool fromClient)
    {
        // Out of sixty: one masked that must not be or the reverse, one with too long a form of its length, one with a length that is made up.
        byte[] key = (oddity == 0) == fromClient ? [] : BitConverter.GetBytes(mask);
        var length = oddity == 1 ? (int)(mask % 70_000) : payload.Length;
        var form = oddity == 2 ? 127 : length <= 125 ? length : length <= 65_535 ? 126 : 127;
        byte[] extended = form switch
        {
            126 => [(byte)(length >> 8), (byte)length],
            127 => [0, 0, 0, 0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length],
            _ => [],
        };
        return
        [
            first, (byte)((key.Length == 0 ? 0 : 0x80) | form), .. extended, .. key,
            .. payload.Select((value, at) => key.Length == 0 ? value : (byte)(value ^ key[at % 4])),
        ];
    }
}
