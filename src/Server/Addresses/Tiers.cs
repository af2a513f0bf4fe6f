namespace Relay.Addresses;

/// <summary>The networks that a key is counted in as well: the sizes in which addresses are handed out.</summary>
internal static class Tiers
{
    /// <summary>The /24 of an IPv4 key; the /56 and the /48 of an IPv6 key; null where there is none that is wider than the key.</summary>
    public static (IpKey? Near, IpKey? Far) NetworksOf(IpKey key) =>
        key.IsUnresolved || key.IsSubject ? (null, null)
        : key.IsIpv6 ? (Wider(key, 56), Wider(key, 48))
        : (Wider(key, 24), null);

    private static IpKey? Wider(IpKey key, int length) => key.PrefixLength > length ? key.Truncate(length) : null;
}
