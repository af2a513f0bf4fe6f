using System.Text;
using Relay.Transport.Framing;

namespace Server.Tests.Transport.Framing;

/// <summary>Frames as a client sends them.</summary>
internal static class Frames
{
    private static readonly byte[] Key = [0x37, 0xFA, 0x21, 0x3D];

    /// <summary>A frame with any first byte and short or long payload, one byte a character.</summary>
    public static byte[] Raw(int first, string latin1) => Raw(first, Encoding.Latin1.GetBytes(latin1));

    public static byte[] Raw(int first, byte[] payload)
    {
        byte[] length = payload.Length switch
        {
            <= 125 => [(byte)(0x80 | payload.Length)],
            <= 65_535 => [0xFE, (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [0xFF, 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
        return [(byte)first, .. length, .. Key, .. payload.Select((value, at) => (byte)(value ^ Key[at % 4]))];
    }

    /// <summary>A message in one frame, as UTF-8.</summary>
    public static byte[] Whole(FrameOpcode opcode, string text) => Raw(0x80 | (int)opcode, Encoding.UTF8.GetBytes(text));
}
