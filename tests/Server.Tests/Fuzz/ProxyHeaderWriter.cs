using System.Buffers.Binary;
using System.Text;
using Relay.Addresses;

namespace Server.Tests.Fuzz;

/// <summary>A PROXY header as a proxy writes it.</summary>
internal static class ProxyHeaderWriter
{
    private static ReadOnlySpan<byte> Signature => [0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A];

    public static byte[] Write(ProxyClaim claim, bool isText) => claim.Kind switch
    {
        ProxyClaimKind.Client => isText ? Text(claim.Source) : Binary(claim.Source),
        ProxyClaimKind.NoAddress => [.. Signature, 0x21, 0x31, 0, 216, .. new byte[216]],
        _ => isText ? "PROXY UNKNOWN\r\n"u8.ToArray() : [.. Signature, 0x20, 0, 0, 0],
    };

    private static byte[] Text(IpKey source) => Encoding.ASCII.GetBytes(source.IsIpv6
        ? $"PROXY TCP6 {source.ToAddress()} 2001:db8::2 4711 9000\r\n"
        : $"PROXY TCP4 {source.ToAddress()} 192.0.2.1 4711 9000\r\n");

    private static byte[] Binary(IpKey source)
    {
        var half = source.IsIpv6 ? 16 : 4;
        var header = new byte[16 + half + half + 4];
        Signature.CopyTo(header);
        header[12] = 0x21;
        header[13] = source.IsIpv6 ? (byte)0x21 : (byte)0x11;
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(14), (ushort)(header.Length - 16));
        source.ToAddress().TryWriteBytes(header.AsSpan(16), out _);
        return header;
    }
}
