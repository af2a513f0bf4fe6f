using System.Numerics;
using System.Runtime.InteropServices;
using System.Security.Cryptography;

namespace Relay.Transport.Framing;

/// <summary>The masking of RFC 6455 section 5.3. Masking and unmasking are the same operation.</summary>
internal static class FrameMask
{
    /// <summary>Masks or unmasks a payload, or the next piece of it, in place.</summary>
    /// <param name="piece">The bytes to change.</param>
    /// <param name="key">The key in the byte order of memory, turned so that it begins with the byte for the first of <paramref name="piece"/>.</param>
    /// <returns>The key for the piece that follows.</returns>
    public static uint Apply(Span<byte> piece, uint key)
    {
        var vectors = MemoryMarshal.Cast<byte, Vector<uint>>(piece);
        var keys = new Vector<uint>(key);
        for (var i = 0; i < vectors.Length; i++)
        {
            vectors[i] ^= keys;
        }

        // Fewer bytes than one vector has. Whole vectors and words leave the phase of the key as it is.
        var rest = piece[(vectors.Length * Vector<byte>.Count)..];
        var words = MemoryMarshal.Cast<byte, uint>(rest);
        for (var i = 0; i < words.Length; i++)
        {
            words[i] ^= key;
        }

        var keyBytes = MemoryMarshal.AsBytes(new ReadOnlySpan<uint>(in key));
        rest = rest[(words.Length * sizeof(uint))..];
        for (var i = 0; i < rest.Length; i++)
        {
            rest[i] ^= keyBytes[i];
        }

        var turn = rest.Length * 8;
        return BitConverter.IsLittleEndian ? BitOperations.RotateRight(key, turn) : BitOperations.RotateLeft(key, turn);
    }

    /// <summary>A key that nobody can predict, as section 10.3 wants it.</summary>
    public static uint NewKey()
    {
        Span<byte> key = stackalloc byte[sizeof(uint)];
        RandomNumberGenerator.Fill(key);
        return MemoryMarshal.Read<uint>(key);
    }
}
