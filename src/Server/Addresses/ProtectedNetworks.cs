
namespace Relay.Addresses;

/// <summary>Networks that are banned only with --force: banning them would affect more than intended.</summary>
internal sealed class ProtectedNetworks(IEnumerable<string> trustedProxies)
{
    // RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291.
    private static readonly (IpPrefix Network, string What)[] Private =
    [
        .. from entry in new[]
            {
                ("127.0.0.0/8", "loopback"), ("::1", "loopback"),
                ("10.0.0.0/8", "private"), ("172.16.0.0/12", "private"), ("192.168.0.0/16", "private"), ("fc00::/7", "private"),
                ("100.64.0.0/10", "carrier-grade NAT"), ("169.254.0.0/16", "link-local"), ("fe80::/10", "link-local"),
            }
            select (Read(entry.Item1), entry.Item2),
    ];

    private readonly IpPrefix[] _proxies = [.. trustedProxies.Select(Read)];

    /// <summary>Why a key or network is protected, in a few words; null: it is not.</summary>
    public string? Why(IpKey key, bool allowPrivate)
    {
        var network = new IpPrefix(key);
        foreach (var proxy in _proxies)
        {
            if (proxy.Contains(network) || network.Contains(proxy))
            {
                return $"it holds the trusted proxies {proxy}";
            }
        }

        if (!allowPrivate)
        {
            foreach (var (known, what) in Private)
            {
                if (known.Contains(network) || network.Contains(known))
                {
                    return $"it holds {what} addresses, {known}";
                }
            }
        }

        return null;
    }

    private static IpPrefix Read(string text) =>
        IpPrefix.TryParse(text, out var prefix, out var error) ? prefix : throw new FormatException(error);
}
