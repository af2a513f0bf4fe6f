
namespace Relay.Addresses;

/// <summary>
/// Reads the lists that proxies append to, from the right: what a trusted proxy wrote stands there, and nothing that a
/// client wrote to the left of it can change how it is read. Pure, and allocates nothing.
/// </summary>
internal static class ForwardedHops
{
    private const string Blanks = " \t";

    /// <summary>Takes the last entry of a line; <paramref name="rest"/> is what stands before it.</summary>
    public static ReadOnlySpan<char> TakeLast(ClientAddressMode mode, ReadOnlySpan<char> line, out ReadOnlySpan<char> rest, out bool isFirst)
    {
        var comma = mode == ClientAddressMode.Forwarded ? LastCommaOutsideQuotes(line) : line.LastIndexOf(',');
        isFirst = comma < 0;
        rest = isFirst ? default : line[..comma];
        return line[(comma + 1)..].Trim(Blanks);
    }

    public static bool TryRead(ClientAddressMode mode, ReadOnlySpan<char> entry, out IpKey address) =>
        mode == ClientAddressMode.Forwarded ? TryReadElement(entry, out address) : TryReadAddress(entry, out address);

    /// <summary>An entry of X-Forwarded-For: an address, with or without brackets and a port. A zone such as %eth0 is dropped.</summary>
    public static bool TryReadAddress(ReadOnlySpan<char> text, out IpKey address)
    {
        address = default;
        if (text.StartsWith('['))
        {
            var end = text.IndexOf(']');
            if (end < 0 || (end < text.Length - 1 && !IsPort(text[(end + 1)..])))
            {
                return false;
            }

            return TryReadIpv6(text[1..end], out address);
        }

        if (text.Count(':') == 1)
        {
            var colon = text.IndexOf(':');
            return IsPort(text[colon..]) && IpText.TryParse(text[..colon], out address);
        }

        return text.Contains(':') ? TryReadIpv6(text, out address) : IpText.TryParse(text, out address);
    }

    // An element of Forwarded (RFC 7239 section 4): the address of its one for=.
    private static bool TryReadElement(ReadOnlySpan<char> element, out IpKey address)
    {
        address = default;
        ReadOnlySpan<char> node = default;
        var found = false;
        while (!element.IsEmpty)
        {
            if (!TryTakePair(ref element, out var name, out var value))
            {
                return false;
            }

            if (name.Equals("for", StringComparison.OrdinalIgnoreCase))
            {
                if (found)
                {
                    return false;
                }

                found = true;
                node = value;
            }
        }

        // A port may be hidden, like ":_x". IPv6 needs its brackets here: without them its last group could be a port.
        var port = node.LastIndexOf(":_");
        var host = port < 0 ? node : IsName(node[(port + 2)..]) ? node[..port] : default;
        return (host.StartsWith('[') || host.Count(':') < 2) && TryReadAddress(host, out address);
    }

    // Quotes are matched from the right too, so that one which a client left open cannot swallow what its proxy has appended.
    private static int LastCommaOutsideQuotes(ReadOnlySpan<char> line)
    {
        var isQuoted = false;
        var i = line.Length - 1;
        for (; i >= 0 && (isQuoted || line[i] != ','); i--)
        {
            if (line[i] == '"' && !(isQuoted && IsEscaped(line, i)))
            {
                isQuoted = !isQuoted;
            }
        }

        return i;
    }

    private static bool IsEscaped(ReadOnlySpan<char> line, int quote)
    {
        var slashes = quote - 1;
        while (slashes >= 0 && line[slashes] == '\\')
        {
            slashes--;
        }

        return (quote - slashes) % 2 == 0;
    }

    // Takes "name=value" and the semicolon after it. An empty pair is let pass: some proxies leave one at the end.
    private static bool TryTakePair(scoped ref ReadOnlySpan<char> element, out ReadOnlySpan<char> name, out ReadOnlySpan<char> value)
    {
        name = default;
        value = default;
        element = element.TrimStart(Blanks);
        if (element.IsEmpty || element[0] == ';')
        {
            element = element.IsEmpty ? element : element[1..];
            return true;
        }

        var equals = element.IndexOf('=');
        if (equals <= 0)
        {
            return false;
        }

        name = element[..equals];
        element = element[(equals + 1)..];
        int end;
        if (element.StartsWith('"'))
        {
            end = ClosingQuote(element);
            if (end < 0)
            {
                return false;
            }

            value = element[1..end];
            end++;
        }
        else
        {
            end = element.IndexOf(';');
            end = end < 0 ? element.Length : end;
            value = element[..end].TrimEnd(Blanks);
        }

        element = element[end..].TrimStart(Blanks);
        if (element.IsEmpty)
        {
            return true;
        }

        if (element[0] != ';')
        {
            return false;
        }

        element = element[1..];
        return true;
    }

    private static int ClosingQuote(ReadOnlySpan<char> text)
    {
        for (var i = 1; i < text.Length; i++)
        {
            if (text[i] == '\\')
            {
                i++;
            }
            else if (text[i] == '"')
            {
                return i;
            }
        }

        return -1;
    }

    private static bool TryReadIpv6(ReadOnlySpan<char> text, out IpKey address)
    {
        address = default;
        var zone = text.IndexOf('%');
        return text.Contains(':')
            && (zone < 0 || IsName(text[(zone + 1)..]))
            && IpText.TryParse(zone < 0 ? text : text[..zone], out address);
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.StartsWith(':') && IpText.TryParseNumber(text[1..], ushort.MaxValue, out _);

    // What RFC 7239 section 6.3 allows after the underscore of a hidden port; network interfaces are called so too.
    private static bool IsName(ReadOnlySpan<char> text)
    {
        foreach (var letter in text)
        {
            if (!char.IsAsciiLetterOrDigit(letter) && letter is not ('.' or '_' or '-'))
            {
                return false;
            }
        }

        return !text.IsEmpty;
    }
}
