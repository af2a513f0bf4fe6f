using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Relay.Addresses;
using Relay.Identity;

namespace Relay.RateLimiting;

/// <summary>
/// Stands-in for addresses and keys in what is written to the disk, where shares must be counted over restarts and nobody may
/// read who a client was. The same address always has the same one, made with a secret of this server's; addresses of one network
/// have ones of one network, so that shares count as they do for the addresses.
/// </summary>
internal sealed class HolderPseudonyms(ServerIdentity identity)
{
    /// <summary>
    /// An IPv6 key, whatever the address is: the first 48 bits stand for its /48 or /24, the next 8 for its /56, the rest for itself.
    /// What counts as one class and is no address stays as it is.
    /// </summary>
    public IpKey Of(IpKey address)
    {
        if (address.IsUnresolved)
        {
            return address;
        }

        var (near, far) = Tiers.NetworksOf(address);
        var (whole, wide) = (Hash(address), Hash(far ?? near ?? address));
        var narrow = far is null || near is null ? whole : Hash(near.Value);
        var high = (wide.High & ~0UL << 16) | (narrow.High & 0xFF00) | (whole.High & 0xFF);
        return IpKey.FromIpv6(high, whole.Low);
    }

    /// <summary>A text of 22 letters for another of any length.</summary>
    public string Of(string text)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(identity.PseudonymSecret, Encoding.UTF8.GetBytes(text), hash);
        return Convert.ToBase64String(hash[..16]).TrimEnd('=');
    }

    private (ulong High, ulong Low) Hash(IpKey key)
    {
        Span<byte> bytes = stackalloc byte[17];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, key.High);
        BinaryPrimitives.WriteUInt64BigEndian(bytes[8..], key.Low);
        bytes[16] = key.Bits;
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(identity.PseudonymSecret, bytes, hash);
        return (BinaryPrimitives.ReadUInt64BigEndian(hash), BinaryPrimitives.ReadUInt64BigEndian(hash[8..]));
    }
}
