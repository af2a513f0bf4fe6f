using System.Globalization;

namespace Relay.Admission;

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

    private static bool TryParseIpv4(ReadOnlySpan<char> text, out uint value)
    {
        value = 0;
        for (var part = 0; part < 4; part++)
        {
            var dot = part < 3 ? text.IndexOf('.') : text.Length;
            if (dot < 0 || !TryParsePart(text[..dot], out var octet))
            {
                return false;
            }

            value = (value << 8) | octet;
            text = part < 3 ? text[(dot + 1)..] : text;
        }

        return true;
    }

    // A leading zero is refused: some readers take 010 for eight.
    private static bool TryParsePart(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        return text.Length is > 0 and <= 3
            && (text.Length == 1 || text[0] != '0')
            && byte.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);
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

            if (count == 8
                || group.Length is 0 or > 4
                || !ushort.TryParse(group, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out groups[count]))
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
