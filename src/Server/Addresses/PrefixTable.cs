using System.Diagnostics.CodeAnalysis;

namespace Relay.Addresses;

/// <summary>
/// Networks to values, immutable; finds the longest network that holds an address. One look-up for each length that
/// occurs, none at all while the table is empty; allocates nothing.
/// </summary>
internal sealed class PrefixTable<T>
{
    private readonly Dictionary<IpKey, T> _values;

    // Lengths that occur, longest first.
    private readonly int[] _ipv4Lengths;
    private readonly int[] _ipv6Lengths;

    public PrefixTable(IEnumerable<KeyValuePair<IpPrefix, T>> entries)
    {
        _values = entries.ToDictionary(entry => entry.Key.Key, entry => entry.Value);
        _ipv4Lengths = Lengths(ipv6: false);
        _ipv6Lengths = Lengths(ipv6: true);
    }

    public int Count => _values.Count;

    /// <summary>The value of the longest network that holds <paramref name="key"/>, which may itself be a network.</summary>
    public bool TryFind(IpKey key, out IpPrefix prefix, [MaybeNullWhen(false)] out T value)
    {
        foreach (var length in key.IsIpv6 ? _ipv6Lengths : _ipv4Lengths)
        {
            if (length <= key.PrefixLength && _values.TryGetValue(key.Truncate(length), out value))
            {
                prefix = new IpPrefix(key.Truncate(length));
                return true;
            }
        }

        prefix = default;
        value = default;
        return false;
    }

    private int[] Lengths(bool ipv6) =>
        [.. _values.Keys.Where(key => key.IsIpv6 == ipv6).Select(key => key.PrefixLength).Distinct().OrderDescending()];
}
