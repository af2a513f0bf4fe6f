using System.Buffers.Binary;
using System.Net;
using System.Security.Cryptography;
using System.Text;

namespace Relay.Addresses;

/// <summary>
/// An address as a value, whole or truncated to a prefix; the key that limits per address count against. Or a person (<see cref="FromSubject"/>), who is counted alike. An IPv4 address that comes wrapped
/// in IPv6 (::ffff:a.b.c.d, or by <see cref="Nat64"/>) is the IPv4 address; a zone such as %eth0 is dropped.
/// </summary>
/// <param name="High">The first 64 bits of an IPv6 address, 0 for IPv4.</param>
/// <param name="Low">The last 64 bits of an IPv6 address, the 32 bits of an IPv4 address.</param>
/// <param name="Bits">Bits that count: 0 to 32 for IPv4, the prefix length plus 127 for IPv6, so that families never meet.</param>
internal readonly record struct IpKey(ulong High, ulong Low, byte Bits)
{
    private const int Ipv6Mark = 127;
    private const int SubjectMark = Ipv6Mark - 2;
    private const int Ipv4Bits = 32;
    private const int Ipv6Bits = 128;

    /// <summary>The key of connections whose client address a trusted proxy did not send: a class of its own, not an address.</summary>
    public static readonly IpKey Unresolved = new(0, 0, Ipv6Mark - 1);

    /// <summary>The key of the subject that a client has authenticated as: 128 bits of a hash, which no address is.</summary>
    public static IpKey FromSubject(string name)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(name), hash);
        return new IpKey(BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]), SubjectMark);
    }

    /// <summary>The whole address. Allocates nothing, like all that makes a key.</summary>
    public static IpKey From(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        return length == 4
            ? FromIpv4(BinaryPrimitives.ReadUInt32BigEndian(bytes))
            : FromIpv6(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));
    }

    /// <summary>The key that the address counts against: IPv4 whole, IPv6 truncated to <paramref name="ipv6Prefix"/>, 1 to 128.</summary>
    public static IpKey From(IPAddress address, int ipv6Prefix) => From(address).TruncateIpv6(ipv6Prefix);

    public static IpKey FromIpv4(uint address) => new(0, address, Ipv4Bits);

    public static IpKey FromIpv6(ulong high, ulong low) =>
        high == 0 && low >> 32 == 0xFFFF ? FromIpv4((uint)low)
        : Nat64.Current.TryUnwrap(high, low, out var ipv4) ? FromIpv4(ipv4)
        : new IpKey(high, low, Ipv6Mark + Ipv6Bits);

    /// <summary>A key of its parts, as another relay tells them. False: they make none, as there is no such prefix or something stands behind it.</summary>
    public static bool TryFrom(ulong high, ulong low, uint bits, out IpKey key)
    {
        key = new IpKey(high, low, (byte)Math.Min(bits, byte.MaxValue));
        if (bits is > byte.MaxValue or (> Ipv4Bits and < Ipv6Mark))
        {
            return bits == SubjectMark || (bits == Unresolved.Bits && key == Unresolved);
        }

        var whole = key with { Bits = (byte)(key.IsIpv6 ? Ipv6Mark + Ipv6Bits : Ipv4Bits) };
        return (key.IsIpv6 || (high == 0 && low <= uint.MaxValue)) && whole.Truncate(key.PrefixLength) == key;
    }

    public bool IsIpv6 => Bits >= Ipv6Mark;

    /// <summary>Bits of the address that count.</summary>
    public int PrefixLength => IsIpv6 ? Bits - Ipv6Mark : Bits;

    public bool IsUnresolved => Bits == Ipv6Mark - 1;

    /// <summary>True for a person; false for an address or a network.</summary>
    public bool IsSubject => Bits == SubjectMark;

    /// <summary>Truncates an IPv6 address; others are unchanged.</summary>
    public IpKey TruncateIpv6(int length) => IsIpv6 ? Truncate(length) : this;

    /// <summary>The same address with no more than its first <paramref name="length"/> bits.</summary>
    public IpKey Truncate(int length)
    {
        if (length >= PrefixLength || IsUnresolved || IsSubject)
        {
            return this;
        }

        return IsIpv6
            ? new IpKey(High & Mask(Math.Min(length, 64)), Low & Mask(Math.Max(length - 64, 0)), (byte)(Ipv6Mark + length))
            : new IpKey(0, Low & Mask(64 - Ipv4Bits + length), (byte)length);
    }

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

    /// <summary>
    /// Differs from start to start. Who has a large network chooses his addresses; with a hash that he could foretell, he
    /// would choose those that fall into one bucket, and every look under the ledger's lock would walk through them all.
    /// </summary>
    public override int GetHashCode()
    {
        // One multiplication of 64 by 64 bits, folded: a decision hashes several keys, and HashCode takes three times as long.
        var high = Math.BigMul(High ^ Seeds.High, Low ^ Bits ^ Seeds.Low, out var low);
        return (int)(high ^ low ^ ((high ^ low) >> 32));
    }

    public override string ToString() =>
        IsUnresolved ? "unresolved"
        : IsSubject ? $"subject {High:x16}{Low:x16}"
        : PrefixLength == (IsIpv6 ? Ipv6Bits : Ipv4Bits) ? ToAddress().ToString()
        : $"{ToAddress()}/{PrefixLength}";

    private static class Seeds
    {
        public static readonly ulong High = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
        public static readonly ulong Low = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(sizeof(ulong)));
    }

    private static ulong Mask(int bits) => bits == 0 ? 0 : ulong.MaxValue << (64 - bits);
}
