using System.Buffers.Binary;
using System.Net;

namespace Relay.Admission;

/// <summary>
/// What a limit per address counts by: an IPv4 address whole, an IPv6 address cut to a prefix. An IPv4 address that
/// comes wrapped in IPv6 (::ffff:a.b.c.d) is the IPv4 address; a zone such as %eth0 is dropped.
/// </summary>
/// <param name="High">The first 64 bits of an IPv6 address, 0 for IPv4.</param>
/// <param name="Low">The last 64 bits of an IPv6 address, the 32 bits of an IPv4 address.</param>
/// <param name="Bits">Bits that count: 32 for IPv4, the prefix length plus 127 for IPv6, so that families never meet.</param>
internal readonly record struct IpKey(ulong High, ulong Low, byte Bits)
{
    private const int Ipv6Mark = 128;

    /// <summary>Makes the key without allocating. <paramref name="ipv6Prefix"/> is 1 to 128.</summary>
    public static IpKey From(IPAddress address, int ipv6Prefix)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (length == 4)
        {
            return new IpKey(0, BinaryPrimitives.ReadUInt32BigEndian(bytes), 32);
        }

        var high = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        var low = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        if (high == 0 && low >> 32 == 0xFFFF)
        {
            return new IpKey(0, low & uint.MaxValue, 32);
        }

        return new IpKey(
            high & Mask(Math.Min(ipv6Prefix, 64)),
            low & Mask(Math.Max(ipv6Prefix - 64, 0)),
            (byte)(Ipv6Mark + ipv6Prefix - 1));
    }

    public bool IsIpv6 => Bits >= Ipv6Mark;

    /// <summary>Bits of the address that count.</summary>
    public int PrefixLength => IsIpv6 ? Bits - Ipv6Mark + 1 : Bits;

    /// <summary>The first address of the key.</summary>
    public IPAddress ToAddress()
    {
        if (!IsIpv6)
        {
            Span<byte> four = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(four, (uint)Low);
            return new IPAddress(four);
        }

        Span<byte> sixteen = stackalloc byte[16];
        BinaryPrimitives.WriteUInt64BigEndian(sixteen, High);
        BinaryPrimitives.WriteUInt64BigEndian(sixteen[8..], Low);
        return new IPAddress(sixteen);
    }

    public override string ToString() =>
        IsIpv6 ? $"{ToAddress()}/{PrefixLength}" : ToAddress().ToString();

    private static ulong Mask(int bits) => bits == 0 ? 0 : ulong.MaxValue << (64 - bits);
}
