using System.Net;
using Microsoft.AspNetCore.Http;
using Relay.Addresses;

namespace Server.Tests.Addresses;

/// <summary>A resolver that trusts 10/8, 192.0.2.128/25 and fd00::/32, and short ways to ask it.</summary>
internal static class Origins
{
    public static readonly ClientAddressResolver Resolver =
        new(new TrustedProxies(["10.0.0.0/8", "192.0.2.128/25", "fd00::/32"]));

    public static ClientAddressRule Rule(string text) =>
        ClientAddressRule.TryParse(text, out var rule, out var error) ? rule : throw new FormatException(error);

    public static HeaderDictionary Headers(string name, params string[] lines)
    {
        var headers = new HeaderDictionary();
        if (lines.Length > 0)
        {
            headers[name] = lines;
        }

        return headers;
    }

    public static HeaderLookup Lookup(HeaderDictionary headers) => name => headers[name];

    public static IpKey Key(string address) => IpKey.From(IPAddress.Parse(address));

    public static IpKey Of(string rule, string peer, HeaderDictionary headers) =>
        Resolver.Resolve(Rule(rule), Key(peer), name => headers[name], default).Address;
}
