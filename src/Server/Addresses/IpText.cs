
namespace Relay.Addresses;

/// <summary>
/// Reads an address as people and proxies write it: four decimal parts, or IPv6 with colons. Nothing else that system
/// libraries take ("1", "0x7f.1", "010.0.0.1", brackets, zones), because two readers must never see two addresses.
/// </summary>
internal static class IpText
{
    /// <summary>The whole address as a key, without allocating. An IPv4 address wrapped in IPv6 comes out as IPv4.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out IpKey address)
    {
        if (!text.Contains(':'))
        {
            var isIpv4 = TryParseIpv4(text, out var four);
            address = isIpv4 ? IpKey.FromIpv4(four) : default;
            return isIpv4;
        }

        var isIpv6 = TryParseIpv6(text, out var high, out var low);
        address = isIpv6 ? IpKey.FromIpv6(high, low) : default;
        return isIpv6;
    }

    /// <summary>
    /// A decimal number from 0 to <paramref name="most"/>, without a leading zero: some readers take 010 for eight. Not by
    /// the framework's parser, which takes zero bytes after the digits.
    /// </summary>
    public static bool TryParseNumber(ReadOnlySpan<char> text, int most, out int value)
    {
        value = 0;
        if (text.Length is 0 or > 6 || (text.Length > 1 && text[0] == '0'))
        {
            return false;
        }

        foreach (var letter in text)
        {
            if (!char.IsAsciiDigit(letter))
            {
                return false;
            }

            value = (value * 10) + (letter - '0');
        }

        return value <= most;
    }

    private static bool TryParseIpv4(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (var part = 0; part < 4; part++)
        {
            var dot = part < 3 ? text.IndexOf('.') : text.Length;
            if (dot < 0 || !TryParseNumber(text[..dot], 255, out var octet))
            {
                return false;
            }

            value = (value << 8) | (uint)octet;
            text = part < 3 ? text[(dot + 1)..] : text;
        }

        return true;
    }

    private static bool TryParseGroup(ReadOnlySpan<char> text, out ushort value)
    {
        value = 0;
        foreach (var letter in text)
        {
            if (!char.IsAsciiHexDigit(letter))
            {
                return false;
            }

            value = (ushort)((value << 4) | (letter <= '9' ? letter - '0' : (letter | 0x20) - 'a' + 10));
        }

        return text.Length is > 0 and <= 4;
    }

    private static bool TryParseIpv6(ReadOnlySpan<char> text, out ulong high, out ulong low)
    {
        (high, low) = (0, 0);
        Span<ushort> groups = stackalloc ushort[8];
        var count = 0;
        var gap = -1;
        if (text.StartsWith("::"))
        {
            gap = 0;
            text = text[2..];
        }

        while (!text.IsEmpty)
        {
            var colon = text.IndexOf(':');
            var group = colon < 0 ? text : text[..colon];
            if (colon < 0 && group.Contains('.'))
            {
                if (count > 6 || !TryParseIpv4(group, out var tail))
                {
                    return false;
                }

                groups[count++] = (ushort)(tail >> 16);
                groups[count++] = (ushort)tail;
                break;
            }

            if (count == 8 || !TryParseGroup(group, out groups[count]))
            {
                return false;
            }

            count++;
            if (colon < 0)
            {
                break;
            }

            text = text[(colon + 1)..];
            if (text.IsEmpty)
            {
                return false;
            }

            if (text[0] == ':')
            {
                if (gap >= 0)
                {
                    return false;
                }

                gap = count;
                text = text[1..];
            }
        }

        // The gap stands for one group at the least.
        if (gap < 0 ? count != 8 : count > 7)
        {
            return false;
        }

        var skipped = 8 - count;
        for (var i = 0; i < 8; i++)
        {
            var group = gap < 0 || i < gap ? groups[i] : i < gap + skipped ? 0u : groups[i - skipped];
            if (i < 4)
            {
                high = (high << 16) | group;
            }
            else
            {
                low = (low << 16) | group;
            }
        }

        return true;
    }
}
