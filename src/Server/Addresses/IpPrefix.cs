using System.Diagnostics.CodeAnalysis;
using System.Net;

namespace Relay.Addresses;

/// <summary>
/// A network such as 10.0.0.0/8 or 2001:db8::/32; one address is a network of its own. The one reader of networks for
/// settings, filters and rules, and strict: what it takes means the same to everybody.
/// </summary>
internal readonly record struct IpPrefix(IpKey Key) : IComparable<IpPrefix>
{
    public bool IsIpv6 => Key.IsIpv6;

    public int Length => Key.PrefixLength;

    /// <summary>The network of this one address.</summary>
    public static IpPrefix FromAddress(IPAddress address) => new(IpKey.From(address));

    /// <summary>The key that a text of <see cref="IpKey.ToString"/> stands for; <see cref="IpKey.Unresolved"/> for any other text.</summary>
    public static IpKey KeyOf(string text) => TryParse(text, out var prefix, out _) ? prefix.Key : IpKey.Unresolved;

    /// <summary>Reads a network or an address. On failure <paramref name="error"/> is a sentence for the operator.</summary>
    public static bool TryParse(string text, out IpPrefix prefix, [NotNullWhen(false)] out string? error)
    {
        prefix = default;
        var slash = text.IndexOf('/');
        if (!IpText.TryParse(slash < 0 ? text : text.AsSpan(0, slash), out var address))
        {
            error = NotANetwork(text);
            return false;
        }

        if (!address.IsIpv6 && text.Contains(':'))
        {
            error = $"'{text}' is an IPv4 network wrapped in IPv6; write the IPv4 network";
            return false;
        }

        var length = address.PrefixLength;
        if (slash >= 0 && !IpText.TryParseNumber(text.AsSpan(slash + 1), address.PrefixLength, out length))
        {
            error = NotANetwork(text);
            return false;
        }

        var network = address.Truncate(length);
        if (network.High != address.High || network.Low != address.Low)
        {
            // Cutting them off in silence would hide a slip: 10.0.0.1/8 may have been meant as the one address.
            error = $"'{text}' has bits set after the prefix; write {network} or {address.ToAddress()}";
            return false;
        }

        prefix = new IpPrefix(network);
        error = null;
        return true;
    }

    /// <summary>Whether the address is in the network. Allocates nothing.</summary>
    public bool Contains(IPAddress address) => Contains(IpKey.From(address));

    /// <summary>Whether all that counts as this key is in the network.</summary>
    public bool Contains(IpKey key) => key.IsIpv6 == IsIpv6 && key.PrefixLength >= Length && key.Truncate(Length) == Key;

    public bool Contains(IpPrefix other) => Contains(other.Key);

    /// <summary>IPv4 first, then by address; a network comes before what is in it.</summary>
    public int CompareTo(IpPrefix other) =>
        (IsIpv6, Key.High, Key.Low, Key.Bits).CompareTo((other.IsIpv6, other.Key.High, other.Key.Low, other.Key.Bits));

    public override string ToString() => Key.ToString();

    private static string NotANetwork(string text) =>
        $"'{text}' is not a network; write it like 10.0.0.0/8 or fd00::/32, or one address";
}
