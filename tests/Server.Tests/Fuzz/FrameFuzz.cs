using Relay.Transport.Framing;

namespace Server.Tests.Fuzz;

/// <summary>WebSocket frames from a client, and as a dialled server would send them: split anywhere, they must say what the slow decoder says.</summary>
internal static class FrameFuzz
{
    // Low, so that 16-bit lengths can be right and too long.
    private const int Limit = 200;

    public static readonly FuzzTarget Target = new(
        "WebSocket frames",
        Try,
        [
            Masked("8185 text"),
            Masked("8285 bytes"),
            Masked("0182 te", "8983 hey", "0081 x", "8081 t"),
            Masked("8986 ping 1", "8A86 pong 2", "8A80 "),
            Masked("8880 ", "8185 after"),
            Masked("888A \u0003\u00E8goodbye!"),
            Masked("8882 \u000F\u00A0"),
            Masked($"81FE0096 {new string('x', 150)}"),
            Masked($"02FE0080 {new string('x', 128)}", $"80C9 {new string('y', 73)}"),
            Masked("018D \u00CE\u00BA\u00E1\u00BD\u00B9\u00CF\u0083\u00CE\u00BC\u00CE\u00B5", "8084 \u00F0\u009F\u0098\u0080"),
            Masked("818C \u00CE\u00BA\u00E1\u00BD\u00B9\u00ED\u00A0\u0080edit"),
            Masked("82FF0000000000010000 too long"),
            [.. "\u0081\u0005hello\u0089\0\u0001\u0002he\u0080\u0003llo\u0088\u0002\u0003"u8],
        ],
        FuzzTarget.Bytes("\u0081", "\u0080", "\u0001", "\0", "\u0089\u0080", "\u008A", "\u0088\u0082", "\u00FE\0\u007D", "\u00FE\0\u007E", "\u00FF\0\0\0\0\0\u0001\0\0", "\u0081\u0080\0\0\0\0", "\u0001\u0081\0\0\0\0\u00E2"));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var stream = input.ToArray();
        var events = Check(stream, FrameRole.Server, random);
        Check(stream, FrameRole.Client, random);
        return events.Count == 0 ? "nothing" : events[^1].Split(' ') is ["Error", var code] ? code : events[^1].Split(' ')[0];
    }

    private static List<string> Check(byte[] stream, FrameRole role, FuzzInputs random)
    {
        var expected = SlowFrameDecoder.Decode(stream, role == FrameRole.Server, Limit);
        var pieces = 1 + random.Below(12);
        Same(expected, FramePieces.Read(stream, role, Limit, left => left), "in one piece");
        Same(expected, FramePieces.Read(stream, role, Limit, left => Math.Min(left, 1 + random.Below(pieces))), "in pieces");
        return expected.Events;
    }

    private static void Same((List<string> Events, bool IsMidMessage) expected, (List<string> Events, bool IsMidMessage) found, string how) =>
        FuzzTarget.Promise(
            expected.Events.SequenceEqual(found.Events) && expected.IsMidMessage == found.IsMidMessage,
            $"{how} it reads {string.Join(", ", found)} and not {string.Join(", ", expected)}");

    // "head payload" with the key left out of the head: each frame gets one.
    private static byte[] Masked(params string[] frames) => [.. frames.SelectMany((frame, index) =>
    {
        var gap = frame.IndexOf(' ', StringComparison.Ordinal);
        byte[] key = [(byte)(0x37 + index), 0xFA, 0x21, 0x3D];
        var payload = FuzzTarget.Bytes(frame[(gap + 1)..])[0].Select((value, at) => (byte)(value ^ key[at % 4]));
        return Convert.FromHexString(frame[..gap]).Concat(key).Concat(payload);
    })];
}
