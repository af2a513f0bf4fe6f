using System.Net;
using Microsoft.Extensions.Primitives;

namespace Relay.Admission;

/// <summary>
/// Finds a client's address. A peer outside the listed networks is the client itself, whatever headers it sends. From a
/// listed peer X-Forwarded-For is walked from the right past listed hops; the first other address is the client. An
/// entry that is no address ends the walk at the last good hop: what stands left of it was written by a stranger.
/// </summary>
internal sealed class TrustedProxies(AdmissionOptions options)
{
    // A wider network is nearly always a slip, and would let strangers choose their own address.
    private const int WidestIpv4 = 8;
    private const int WidestIpv6 = 16;

    // More hops than any real chain of proxies has; the rest of a longer header is not read.
    private const int MaxHops = 32;

    private readonly IpPrefix[] _networks =
        [.. options.TrustedProxies.Select(text => IpPrefix.TryParse(text, out var network, out var mistake) ? network : throw new FormatException(mistake))];

    /// <summary>Says what is wrong with a network in the settings, or null.</summary>
    public static string? Check(string text)
    {
        if (!IpPrefix.TryParse(text, out var network, out var mistake))
        {
            return mistake;
        }

        var widest = network.IsIpv6 ? WidestIpv6 : WidestIpv4;
        return network.Length < widest
            ? $"'{text}' is broader than /{widest}; list the proxies' own networks, because whoever is in them may claim any address"
            : null;
    }

    /// <summary>The address to count <paramref name="peer"/> by, given its X-Forwarded-For headers.</summary>
    public IPAddress Resolve(IPAddress peer, StringValues forwardedFor)
    {
        var client = peer.IsIPv4MappedToIPv6 ? peer.MapToIPv4() : peer;
        if (_networks.Length == 0 || !IsTrusted(client))
        {
            return client;
        }

        var hops = 0;
        for (var line = forwardedFor.Count - 1; line >= 0; line--)
        {
            var rest = forwardedFor[line].AsSpan();
            while (!rest.IsEmpty && hops++ < MaxHops)
            {
                var comma = rest.LastIndexOf(',');
                if (!TryParseHop(rest[(comma + 1)..], out var hop))
                {
                    return client;
                }

                client = hop;
                if (!IsTrusted(client))
                {
                    return client;
                }

                rest = comma < 0 ? [] : rest[..comma];
            }
        }

        return client;
    }

    private bool IsTrusted(IPAddress address)
    {
        foreach (var network in _networks)
        {
            if (network.Contains(address))
            {
                return true;
            }
        }

        return false;
    }

    // Some proxies add the port: "203.0.113.7:4711", "[2001:db8::1]:4711".
    private static bool TryParseHop(ReadOnlySpan<char> text, out IPAddress address)
    {
        text = text.Trim(" \t");
        if (text.Length > 0 && text[0] == '[')
        {
            var end = text.IndexOf(']');
            if (end < 0 || !(end == text.Length - 1 || IsPort(text[(end + 1)..])))
            {
                address = IPAddress.None;
                return false;
            }

            text = text[1..end];
        }
        else if (text.Count(':') == 1)
        {
            var colon = text.IndexOf(':');
            if (!IsPort(text[colon..]))
            {
                address = IPAddress.None;
                return false;
            }

            text = text[..colon];
        }

        // IPAddress also takes "1" and "0x7f.1"; an address that a proxy wrote has four parts or colons.
        if (!IPAddress.TryParse(text, out var parsed) || (!text.Contains(':') && text.Count('.') != 3))
        {
            address = IPAddress.None;
            return false;
        }

        address = parsed.IsIPv4MappedToIPv6 ? parsed.MapToIPv4() : parsed;
        if (address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6 && address.ScopeId != 0)
        {
            address = new IPAddress(address.GetAddressBytes());
        }

        return true;
    }

    private static bool IsPort(ReadOnlySpan<char> text) =>
        text.Length is > 1 and <= 6 && text[0] == ':' && ushort.TryParse(text[1..], System.Globalization.NumberStyles.None, null, out _);
}
