using Relay.Addresses;

namespace Relay.Policy;

/// <summary>A key or network that holds more sockets than a policy lets it.</summary>
internal readonly record struct KeyOver(IpKey Key, bool IsNetwork, int Live, int Limit)
{
    public int Excess => Live - Limit;
}

/// <summary>How the live sockets, and the admissions of the last minutes, stand against a policy.</summary>
/// <param name="TotalOver">Sockets above the total limit.</param>
/// <param name="Over">Addresses and networks above theirs, the one with most to lose first.</param>
/// <param name="SocketsOver">Sockets that would have to go for all limits to hold.</param>
/// <param name="Admitted">Admissions of the last minutes that were looked at.</param>
/// <param name="Refused">How many of them the policy refuses, going by the counts of then.</param>
/// <param name="Since">How far back that look goes.</param>
internal sealed record PolicyEffect(
    int Live, int TotalOver, IReadOnlyList<KeyOver> Over, int SocketsOver, int Admitted, int Refused, TimeSpan Since)
{
    /// <param name="over">Every address and network that holds more than it may.</param>
    public static PolicyEffect Of(LimitPolicy policy, int live, IReadOnlyList<KeyOver> over, int admitted, int refused, TimeSpan since)
    {
        var totalOver = Math.Max(0, live - policy.Total);
        var addresses = over.Where(key => !key.IsNetwork).Sum(key => key.Excess);
        var most = over.Select(key => key.Excess).DefaultIfEmpty().Max();
        return new PolicyEffect(
            live, totalOver, [.. over.OrderByDescending(key => key.Excess)], Math.Max(totalOver, Math.Max(addresses, most)), admitted, refused, since);
    }
}
