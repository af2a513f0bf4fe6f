using System.Net;
using Relay.Addresses;

namespace Relay.Federation;

/// <summary>
/// Which endpoints of other servers may be dialled and sent to clients. What another operator names must not lead into networks that
/// only this host can reach. Pure; safe from any thread.
/// </summary>
/// <param name="allowPrivate">Private, loopback and link-local hosts are allowed too (Federation:PrivateEndpoints).</param>
internal sealed class EndpointRule(bool allowPrivate)
{
    /// <summary>The longest endpoint in UTF-16 units.</summary>
    public const int MaxChars = 512;

    // Names that mean nothing outside a network (RFC 6761, RFC 6762, RFC 8375 and usual practice).
    private static readonly string[] LocalNames = ["localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain", "test", "invalid", "onion"];

    // Beside private networks whatever is not an address of one host on the Internet (RFC 6890).
    private static readonly IpPrefix[] NotPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "::/96", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fc00::/7", "fe80::/9", "ff00::/8",
        }.Select(text => IpPrefix.TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException(error)),
    ];

    // Nobody's address, also where private ones are allowed.
    private static readonly IpPrefix[] NoHost =
    [
        .. new[] { "0.0.0.0/8", "224.0.0.0/3", "::", "ff00::/8" }
            .Select(text => IpPrefix.TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException(error)),
    ];

    /// <summary>Null when the endpoint is allowed, else why not, for the operator.</summary>
    public string? Denial(string endpoint) => Read(endpoint, out _);

    /// <summary>True when the endpoint is allowed.</summary>
    public bool Allows(string endpoint) => Read(endpoint, out _) is null;

    /// <summary>
    /// Whether a connection to this address is allowed. Asked for the address that is really dialled, because a public name may stand for a
    /// private address, and for another one every time.
    /// </summary>
    public bool Allows(IPAddress address) => !(allowPrivate ? NoHost : NotPublic).Any(network => network.Contains(address));

    /// <summary>The URL by which to dial the server: its endpoint, and /federation where that has no path. Null where it is not allowed.</summary>
    public Uri? DialUri(string endpoint)
    {
        if (Read(endpoint, out var uri) is not null)
        {
            return null;
        }

        return uri!.AbsolutePath == "/" ? new UriBuilder(uri) { Path = "/federation" }.Uri : uri;
    }

    /// <summary>The same text for endpoints that differ in a last slash only.</summary>
    public static string Normal(string endpoint) => endpoint.TrimEnd('/');

    private string? Read(string endpoint, out Uri? uri)
    {
        uri = null;
        if (endpoint.Length is 0 or > MaxChars)
        {
            return $"an endpoint has 1 to {MaxChars} characters";
        }

        if (endpoint.Any(c => c is <= ' ' or > '~') || !Uri.TryCreate(endpoint, UriKind.Absolute, out uri) || uri.Scheme is not ("ws" or "wss"))
        {
            return "it is no WebSocket address such as wss://relay.example";
        }

        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || uri.Port < 1)
        {
            return "it has a user name, a fragment or port 0";
        }

        return HostDenial(uri);
    }

    private string? HostDenial(Uri uri)
    {
        var host = uri.IdnHost.TrimEnd('.');
        if (uri.HostNameType is UriHostNameType.IPv4 or UriHostNameType.IPv6)
        {
            return IPAddress.TryParse(host, out var address) && Allows(address) ? null : $"{host} is no public address";
        }

        var labels = host.Split('.');
        if (uri.HostNameType != UriHostNameType.Dns || labels[^1].Length == 0 || char.IsAsciiDigit(labels[^1][^1]) && labels[^1].All(char.IsAsciiHexDigit))
        {
            // A last label of digits would be read as an address by some and as a name by others.
            return "its host is no name and no address";
        }

        if (allowPrivate)
        {
            return null;
        }

        return labels.Length < 2 || LocalNames.Any(name => host == name || host.EndsWith($".{name}", StringComparison.OrdinalIgnoreCase))
            ? $"{host} is a name within a private network"
            : null;
    }
}
