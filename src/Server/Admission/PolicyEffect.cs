using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>A key or network that holds more connections than a policy allows.</summary>
internal readonly record struct KeyOver(IpKey Key, bool IsNetwork, int Live, int Limit)
{
    public int Excess => Live - Limit;
}

/// <summary>How the live connections, and the admissions of the last minutes, stand against a policy.</summary>
/// <param name="TotalOver">Connections above the total limit.</param>
/// <param name="Over">Addresses and networks above theirs, the one with the greatest excess first.</param>
/// <param name="SocketsOver">Connections that would have to go for every limit to be kept.</param>
/// <param name="Admitted">Admissions of the last minutes that were replayed.</param>
/// <param name="Refused">How many of them the policy refuses.</param>
/// <param name="Since">How far back the replay goes.</param>
internal sealed record PolicyEffect(
    int Live, int TotalOver, IReadOnlyList<KeyOver> Over, int SocketsOver, int Admitted, int Refused, TimeSpan Since)
{
    private static readonly TimeSpan ReplayWindow = TimeSpan.FromMinutes(10);

    /// <summary>Tries a policy on a copy of the ledger. Changes nothing.</summary>
    public static PolicyEffect Of(ConnectionLedger ledger, LimitPolicy policy, TimeProvider time)
    {
        var (snapshot, admissions, now) = (ledger.Snapshot(), ledger.RecentAdmissions(), time.GetTimestamp());
        var replay = AdmissionReplay.Run(admissions, policy, now - (long)(ReplayWindow.TotalSeconds * time.TimestampFrequency), time);
        var over = snapshot.Excess(policy, time);
        var totalOver = Math.Max(0, snapshot.Total - policy.Total);
        var addresses = over.Where(key => !key.IsNetwork).Sum(key => key.Excess);
        var max = over.Select(key => key.Excess).DefaultIfEmpty().Max();
        return new PolicyEffect(
            snapshot.Total,
            totalOver,
            [.. over.OrderByDescending(key => key.Excess)],
            Math.Max(totalOver, Math.Max(addresses, max)),
            replay.Admitted,
            replay.Refused,
            replay.Admitted == 0 ? TimeSpan.Zero : time.GetElapsedTime(replay.First, now));
    }
}
