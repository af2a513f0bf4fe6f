using System.Buffers;
using System.Text;
using Relay.Addresses;

namespace Relay.Transport.Engine;

/// <summary>The small words of RFC 9110 and RFC 9112, as bytes.</summary>
internal static class HeadSyntax
{
    /// <summary>What a token may have: methods and header names.</summary>
    public static readonly SearchValues<byte> TokenBytes = Of(HttpToken.Characters);

    /// <summary>Visible ASCII. Clients send more of it in a target than RFC 3986 has, as they always did.</summary>
    public static readonly SearchValues<byte> TargetBytes = SearchValues.Create([.. Enumerable.Range(0x21, 0x7F - 0x21).Select(value => (byte)value)]);

    /// <summary>Control characters but the tab. CR and LF are among them: what searches for the others finds line ends too.</summary>
    public static readonly SearchValues<byte> Controls =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Append(0x7F).Where(value => value != '\t').Select(value => (byte)value)]);

    private static readonly SearchValues<byte> DigitBytes = Of("0123456789");
    private static readonly SearchValues<byte> Ipv6Bytes = Of("0123456789ABCDEFabcdef:.");
    private static readonly SearchValues<byte> HostNameBytes = Of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()");

    public static bool IsTokenByte(byte value) => TokenBytes.Contains(value);

    public static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t';

    public static bool IsVersion(ReadOnlySpan<byte> text) =>
        text.Length == 8 && text.StartsWith("HTTP/"u8) && char.IsAsciiDigit((char)text[5]) && text[6] == '.' && char.IsAsciiDigit((char)text[7]);

    /// <summary>Digits alone, and few enough for 64 bits.</summary>
    public static bool IsContentLength(ReadOnlySpan<byte> text) => text.Length is > 0 and <= 18 && !text.ContainsAnyExcept(DigitBytes);

    /// <summary>Nothing, or a host and perhaps a port. RFC 3986 has a few more signs, percents among them, that no host has and Kestrel refuses.</summary>
    public static bool IsHost(ReadOnlySpan<byte> text)
    {
        var isIpv6 = text.StartsWith("["u8);
        var length = isIpv6 ? text.IndexOf((byte)']') + 1 : text.IndexOf((byte)':');
        if (isIpv6 ? length < 5 || text[1..(length - 1)].ContainsAnyExcept(Ipv6Bytes) : length == 0)
        {
            return false;
        }

        var port = length < 0 ? default : text[length..];
        return (isIpv6 || !text[..^port.Length].ContainsAnyExcept(HostNameBytes))
            && (port.IsEmpty || (port[0] == ':' && port.Length is >= 2 and <= 6 && !port[1..].ContainsAnyExcept(DigitBytes)));
    }

    /// <summary>True when a list with commas has this element; case and the blanks around it do not count.</summary>
    public static bool HasListElement(ReadOnlySpan<byte> list, ReadOnlySpan<byte> lowerCaseElement)
    {
        foreach (var range in list.Split((byte)','))
        {
            if (Ascii.EqualsIgnoreCase(list[range].Trim(" \t"u8), lowerCaseElement))
            {
                return true;
            }
        }

        return false;
    }

    private static SearchValues<byte> Of(string text) => SearchValues.Create(Encoding.ASCII.GetBytes(text));
}
