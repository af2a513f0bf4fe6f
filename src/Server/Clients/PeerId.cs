using System.Buffers;

namespace Relay.Clients;

/// <summary>The format of a peer id: 1 to 128 of letters, digits, '-' and '_'.</summary>
internal static class PeerId
{
    public const int MaxLength = 128;

    private static readonly SearchValues<char> Alphabet =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    public static bool IsValid(string text) => text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(Alphabet);
}
