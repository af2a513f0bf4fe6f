using System.Buffers;
using System.Text;
using CsCheck;
using Relay.AdminAuth;

namespace Server.Tests.AdminAuth;

public sealed class AuthorityRewriterTests
{
    private static readonly byte[] Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8.ToArray();

    // :method POST, :scheme http, :path by its static name, :authority, te: trailers.
    private static readonly byte[] Before = [0x83, 0x86, 0x44, 0x02, (byte)'/', (byte)'x'];
    private static readonly byte[] After = [0x40, 0x02, (byte)'t', (byte)'e', 0x08, .. "trailers"u8];

    public static TheoryData<string, byte[], byte[]> Ways => new()
    {
        { "grpc-core: name in full, remembered", [0x40, 0x0A, .. ":authority"u8, .. Text("%2Frun%2Fadmin.sock")], [0x40, 0x0A, .. ":authority"u8, 0x01, (byte)'u'] },
        { "by index, remembered", [0x41, .. Text("/run/admin.sock")], [0x41, 0x01, (byte)'u'] },
        { "by index, not remembered", [0x01, .. Text("localhost")], [0x01, 0x01, (byte)'u'] },
        { "by index, never to be remembered, coded value", [0x11, 0x82, 0xAA, 0xBB], [0x11, 0x01, (byte)'u'] },
        { "coded name", [0x40, 0x88, 0xB8, 0x3B, 0x53, 0x39, 0xEC, 0x32, 0x7D, 0x7F, .. Text("/a")], [0x40, 0x88, 0xB8, 0x3B, 0x53, 0x39, 0xEC, 0x32, 0x7D, 0x7F, 0x01, (byte)'u'] },
        { "a value of more than 127 bytes", [0x41, 0x7F, 0x49, .. new byte[200]], [0x41, 0x01, (byte)'u'] },
        { "a reference to what was sent before", [0xBE], [0xBE] },
        { "no value", [0x41, 0x00], [0x41, 0x00] },
        { "another name", [0x40, 0x0A, .. ":authoritz"u8, .. Text("/a")], [0x40, 0x0A, .. ":authoritz"u8, .. Text("/a")] },
        { "a new size of the table", [0x3F, 0xE1, 0x1F, 0x41, .. Text("/a")], [0x3F, 0xE1, 0x1F, 0x41, 0x01, (byte)'u'] },
    };

    [Theory]
    [MemberData(nameof(Ways))]
    public void Block_EachWayToSendIt_IsReplacedOrLeft(string way, byte[] sent, byte[] expected)
    {
        var output = new ArrayBufferWriter<byte>();

        Assert.True(HeaderBlock.TryReplaceAuthority([.. Before, .. sent, .. After], output), way);
        Assert.Equal([.. Before, .. expected, .. After], output.WrittenSpan.ToArray());
    }

    [Fact]
    public void Frames_PaddedWithPriorityAndContinued_AreOneWithTheSameHeaders()
    {
        byte[] block = [.. Before, 0x41, .. Text("/run/relay/admin.sock"), .. After];
        byte[] priority = [0, 0, 0, 0, 16];
        var data = Frame(0, 1, 1, [0, 0, 0, 0, 0]);
        byte[] stream =
        [
            .. Preface, .. Frame(4, 0, 0, []), .. Frame(1, 0x01 | 0x08 | 0x20, 1, [3, .. priority, .. block[..9], 0, 0, 0]), .. Frame(9, 0, 1, block[9..20]), .. Frame(9, 4, 1, block[20..]), .. data,
        ];

        byte[] expected = [.. Preface, .. Frame(4, 0, 0, []), .. Frame(1, 0x01 | 0x20 | 0x04, 1, [.. priority, .. Before, 0x41, 0x01, (byte)'u', .. After]), .. data];
        Assert.Equal(expected, Run(stream, stream.Length));
        Gen.Int[1, 40].Sample(size => Run(stream, size).SequenceEqual(expected));
    }

    [Fact]
    public void Frames_WithoutAnAuthority_AreLeftAsTheyAre() => Gen.Byte.Array[0, 60].Select(Gen.Int[0, 15], Gen.Int[1, 50]).Sample((payload, type, size) =>
    {
        byte[] stream = [.. Preface, .. Frame((byte)(type is 1 or 9 ? 0 : type), 4, 3, payload)];
        return Run(stream, size).SequenceEqual(stream);
    });

    /// <summary>Everything from a socket is hostile: whatever comes, nothing is thrown and nothing grows.</summary>
    [Fact]
    public void Frames_OfAnything_NeverFailAndNeverGrow() => Gen.Byte.Array[0, 80].Select(Gen.Byte.Array[0, 60], Gen.Int[0, 255], Gen.Int[1, 70]).Sample((noise, payload, flags, size) =>
    {
        byte[] stream = [.. Preface, .. Frame(1, (byte)flags, 1, payload), .. Frame(9, (byte)(flags | 4), 1, payload), .. noise];
        return Run(stream, size).Length <= stream.Length;
    });

    private static byte[] Run(byte[] stream, int size)
    {
        var (rewriter, output, left) = (new AuthorityRewriter(), new ArrayBufferWriter<byte>(), Array.Empty<byte>());
        for (var at = 0; at < stream.Length; at += size)
        {
            var input = new ReadOnlySequence<byte>([.. left, .. stream.AsSpan(at, Math.Min(size, stream.Length - at))]);
            rewriter.Rewrite(ref input, output);
            left = input.ToArray();
        }

        return output.WrittenSpan.ToArray();
    }

    private static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Frame(byte type, byte flags, byte stream, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload];
}
