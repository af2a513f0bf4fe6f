using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Relay.Federation.Ring;

/// <summary>A position on the ring: the first 20 bytes of the SHA-256 of a text, as one number.</summary>
internal readonly record struct RingPosition(ulong High, ulong Middle, uint Low) : IComparable<RingPosition>
{
    public static RingPosition Of(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return new RingPosition(
            BinaryPrimitives.ReadUInt64BigEndian(hash),
            BinaryPrimitives.ReadUInt64BigEndian(hash[8..]),
            BinaryPrimitives.ReadUInt32BigEndian(hash[16..]));
    }

    public int CompareTo(RingPosition other) => (High, Middle, Low).CompareTo((other.High, other.Middle, other.Low));

    /// <summary>40 hexadecimal digits.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{High:x16}{Middle:x16}{Low:x8}");
}
