using System.Net;
using System.Text;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;

namespace Server.Tests.Fuzz;

/// <summary>
/// X-Forwarded-For and Forwarded from a trusted peer. Whatever a client sends, the entry that its proxy appends is what
/// counts; and what is found alone reads as what was found.
/// </summary>
internal static class ForwardedFuzz
{
    private static readonly ClientAddressResolver Resolver =
        new(new TrustedProxies(["10.0.0.0/8", "fd00::/32"]));

    private static readonly ClientAddressRule Addresses = ClientAddressRule.Default;
    private static readonly ClientAddressRule Elements = new(ClientAddressMode.Forwarded, ClientAddressRule.Forwarded);
    private static readonly IPNetwork[] Networks = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/32")];

    private static readonly IpKey Peer = IpKey.From(IPAddress.Parse("10.0.0.1"));
    private static readonly IpKey Appended = IpKey.From(IPAddress.Parse("203.0.113.7"));
    private static readonly string[] AddressEntries = ["203.0.113.7", "203.0.113.7:80", "::ffff:203.0.113.7", "[::ffff:203.0.113.7]:80"];
    private static readonly string[] ElementEntries = ["for=203.0.113.7", "for=\"203.0.113.7:80\";proto=https", "by=_a;for=\"[::ffff:203.0.113.7]:_b\";host=\"a,b\""];

    public static readonly FuzzTarget Target = new(
        "forwarded headers",
        Try,
        FuzzTarget.Bytes(
            "198.51.100.1, 10.1.2.3",
            "1.2.3.4,\t[2001:db8::1]:4711 , fd00::9",
            "198.51.100.1:80, ::ffff:10.1.2.3, 10.0.0.9",
            "fe80::1%eth0, unknown, 10.0.0.2",
            "for=192.0.2.43, for=\"[2001:db8:cafe::17]:4711\";proto=https;by=10.0.0.3",
            "For=\"_gazonk\", for=unknown, for=10.0.0.2",
            "for=192.0.2.60;host=\"a,\\\"b\\\\\";secret=\"x;y\", for=\"10.1.1.1:_port\"",
            "proto=http;by=203.0.113.43;for=192.0.2.60;"),
        FuzzTarget.Bytes(",", ";", "\"", "\\", "=", "for=", "[", "]", ":", "%", " ", "\t", "10.0.0.7", "fd00::1", "::", "\\\"", ", ", "\0", ":_", "unknown"));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var text = Encoding.Latin1.GetString(input);
        var addresses = Check(Addresses, text, AddressEntries[random.Below(AddressEntries.Length)]);
        var elements = Check(Elements, text, ElementEntries[random.Below(ElementEntries.Length)]);
        if (addresses is { IsUnresolved: false } found)
        {
            // A second reader that knows nothing of spans must find the same.
            FuzzTarget.Promise(SlowRead(text) == found, "two readers see two addresses");
        }

        return (addresses.IsUnresolved, elements.IsUnresolved) switch
        {
            (true, true) => "unresolved",
            (false, _) => "address in a list of addresses",
            _ => "address in a list of elements",
        };
    }

    private static IpKey Check(ClientAddressRule rule, string text, string entry)
    {
        FuzzTarget.Promise(Origin(rule, $"{text}, {entry}") == Appended, "what was sent before the proxy's entry changes how that is read");
        FuzzTarget.Promise(Origin(rule, new StringValues([text, entry])) == Appended, "a line before the proxy's changes how that is read");
        var found = Origin(rule, text);
        if (!found.IsUnresolved)
        {
            var address = found.IsIpv6 ? $"[{found.ToAddress()}]" : found.ToAddress().ToString();
            FuzzTarget.Promise(Origin(rule, rule == Elements ? $"for=\"{address}\"" : address) == found, "written again it reads otherwise");
        }

        return found;
    }

    private static IpKey Origin(ClientAddressRule rule, StringValues lines) =>
        Resolver.Resolve(rule, Peer, name => name == rule.Header ? lines : default, default).Address;

    private static IpKey SlowRead(string text)
    {
        var client = IpKey.Unresolved;
        foreach (var part in text.Split(',').Reverse())
        {
            var entry = part.Trim(' ', '\t');
            var bracket = entry.IndexOf(']', StringComparison.Ordinal);
            var host = bracket > 0 ? entry[1..bracket] : entry.Count(letter => letter == ':') == 1 ? entry.Split(':')[0] : entry;
            client = IpKey.From(IPAddress.Parse(host.Split('%')[0]));
            if (!Networks.Any(network => network.Contains(client.ToAddress())))
            {
                break;
            }
        }

        return client;
    }
}
