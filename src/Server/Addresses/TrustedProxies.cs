
namespace Relay.Addresses;

/// <summary>The networks whose word on a client's address is taken.</summary>
internal sealed class TrustedProxies(IEnumerable<string> networks)
{
    // A wider network is nearly always a slip, and would let untrusted clients choose their own address.
    private const int WidestIpv4 = 8;
    private const int WidestIpv6 = 16;

    private readonly IpPrefix[] _networks =
        [.. networks.Select(text => IpPrefix.TryParse(text, out var network, out var error) ? network : throw new FormatException(error))];

    /// <summary>Says what is wrong with a network in the settings, or null.</summary>
    public static string? Check(string text)
    {
        if (!IpPrefix.TryParse(text, out var network, out var error))
        {
            return error;
        }

        var widest = network.IsIpv6 ? WidestIpv6 : WidestIpv4;
        return network.Length < widest
            ? $"'{text}' is broader than /{widest}; list the proxies' own networks, because every host in them can claim any address"
            : null;
    }

    /// <summary>Whether a whole address is a trusted proxy's, and by which network.</summary>
    public bool TryFind(IpKey address, out IpPrefix network)
    {
        foreach (var candidate in _networks)
        {
            if (candidate.Contains(address))
            {
                network = candidate;
                return true;
            }
        }

        network = default;
        return false;
    }
}
