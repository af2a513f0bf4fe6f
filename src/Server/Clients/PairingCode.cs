using System.Buffers;
using System.Text;
using Relay.Protocol;

namespace Relay.Clients;

/// <summary>The formats of a pairing code and of the key that comes with it.</summary>
internal static class PairingCode
{
    private const int Length = 6;
    private const int BitsOfLetter = 5;

    // Without I, O, 0 and 1, which people confuse: 32 symbols, 2^30 codes.
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

    // The place of each byte in the alphabet; -1: it is not there.
    private static readonly int[] Places = [.. Enumerable.Range(0, byte.MaxValue + 1).Select(letter => Alphabet.IndexOf((char)letter))];

    private static readonly SearchValues<char> Base64Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    public static bool IsValid(string text) => TryNumber(text, out _);

    /// <summary>The code's number, by which codes are looked up: 30 bits.</summary>
    public static bool TryNumber(string text, out int number)
    {
        Span<byte> letters = stackalloc byte[Length];
        number = 0;
        return text.Length == Length && Ascii.FromUtf16(text, letters, out _) == OperationStatus.Done && TryNumber(letters, out number);
    }

    /// <summary>The number of the code that a JSON string spells, given with its quotes.</summary>
    public static bool TryRead(ReadOnlySpan<byte> quoted, out int number)
    {
        if (TryNumber(quoted[1..^1], out number))
        {
            return true;
        }

        // An escape has six bytes.
        Span<char> text = stackalloc char[6 * Length];
        return quoted.Contains((byte)'\\') && JsonText.IsValid(quoted) && JsonText.TryCopyAscii(quoted, text, out var length) && TryNumber(text[..length].ToString(), out number);
    }

    /// <summary>Null for 32 bytes in base64 (X25519, RFC 7748), else the error's text. Missing padding is forgiven, as the clients' decoders do.</summary>
    public static string? CheckKey(string key)
    {
        if (key.Length == 0)
        {
            return "Missing required field: publicKey";
        }

        var digits = key.AsSpan().TrimEnd('=');
        if (digits.IsEmpty || digits.ContainsAnyExcept(Base64Alphabet))
        {
            return "Invalid public key format";
        }

        return digits.Length * 6L / 8 == 32 ? null : "Invalid public key length";
    }

    private static bool TryNumber(ReadOnlySpan<byte> letters, out int number)
    {
        number = 0;
        if (letters.Length != Length)
        {
            return false;
        }

        var places = 0;
        foreach (var letter in letters)
        {
            // Below 0 once one of them is.
            places |= Places[letter];
            number = (number << BitsOfLetter) | (Places[letter] & ((1 << BitsOfLetter) - 1));
        }

        return places >= 0;
    }
}
