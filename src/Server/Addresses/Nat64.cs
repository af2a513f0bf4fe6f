using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Relay.Addresses;

/// <summary>
/// IPv6 addresses by which a translator names IPv4 hosts (RFC 6052): they are that host, as ::ffff:a.b.c.d is. Else one
/// translator's clients would share one /64, or one of them would have a second address.
/// </summary>
internal sealed class Nat64
{
    /// <summary>The well-known prefix, and the one for use within a site (RFC 8215).</summary>
    public static readonly string[] DefaultPrefixes = ["64:ff9b::/96", "64:ff9b:1::/48"];

    private static readonly int[] Lengths = [32, 40, 48, 56, 64, 96];
    private static Nat64 _current = new(DefaultPrefixes);

    private readonly Prefix[] _prefixes;

    /// <summary>The longest that fits counts.</summary>
    /// <param name="prefixes">Without a fault: see <see cref="Check"/>.</param>
    public Nat64(IEnumerable<string> prefixes) =>
        _prefixes = [.. prefixes.Select(IPNetwork.Parse).Select(Prefix.Of).OrderByDescending(prefix => prefix.Length)];

    /// <summary>Those of this process: an address must be the same key wherever it comes from. Set at the start.</summary>
    public static Nat64 Current
    {
        get => Volatile.Read(ref _current);
        set => Volatile.Write(ref _current, value);
    }

    /// <summary>Says what is wrong with a prefix in the settings, or null.</summary>
    public static string? Check(string text) =>
        IPNetwork.TryParse(text, out var network)
        && network.BaseAddress.AddressFamily == AddressFamily.InterNetworkV6
        && Lengths.Contains(network.PrefixLength)
        && IPAddress.TryParse(text.AsSpan(0, text.IndexOf('/')), out var address)
        && address.Equals(network.BaseAddress)
            ? null
            : $"'{text}' is not a NAT64 prefix; write an IPv6 network with one of the lengths of RFC 6052 ({string.Join(", ", Lengths)}), such as 64:ff9b::/96";

    /// <summary>The IPv4 address inside, if there is one. Allocates nothing.</summary>
    public bool TryUnwrap(ulong high, ulong low, out uint ipv4)
    {
        foreach (var prefix in _prefixes)
        {
            if (prefix.Contains(high, low) && prefix.TryUnwrap(high, low, out ipv4))
            {
                // This host itself and no host at all are behind no translator, and may be trusted.
                return ipv4 >> 24 is not (0 or 127);
            }
        }

        ipv4 = 0;
        return false;
    }

    private readonly record struct Prefix(ulong High, ulong Low, int Length)
    {
        private const int UnusedByteShift = 56;

        public static Prefix Of(IPNetwork network)
        {
            Span<byte> bytes = stackalloc byte[16];
            network.BaseAddress.TryWriteBytes(bytes, out _);
            return new Prefix(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]), network.PrefixLength);
        }

        public bool Contains(ulong high, ulong low) => Length <= 64
            ? (high ^ High) >> (64 - Length) == 0
            : high == High && (low ^ Low) >> (128 - Length) == 0;

        // Of RFC 6052 section 2.2: the address follows the prefix, leaves out bits 64 to 71, and is followed by zeros. A site may
        // also have chosen a /96 within a shorter prefix; then the address is at the end and zeros are before it.
        public bool TryUnwrap(ulong high, ulong low, out uint ipv4)
        {
            if (Length < 96)
            {
                var (inHigh, inLow) = (64 - Length, Length - 32);
                if (low >> UnusedByteShift == 0 && low << (8 + inLow) == 0)
                {
                    var first = (high & ((1UL << inHigh) - 1)) << inLow;
                    ipv4 = (uint)(first | (inLow == 0 ? 0 : low << 8 >> (64 - inLow)));
                    return true;
                }
            }

            ipv4 = (uint)low;
            return Length == 96 || low >> 32 == 0;
        }
    }
}
