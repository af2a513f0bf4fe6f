using System.Buffers;

namespace Relay.Addresses;

/// <summary>A token of RFC 9110 section 5.6.2: methods, header names, subprotocols.</summary>
internal static class HttpToken
{
    public const string Characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-.^_`|~";

    private static readonly SearchValues<char> Values = SearchValues.Create(Characters);

    public static bool Is(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExcept(Values);
}
