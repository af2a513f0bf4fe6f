using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>The one answer to "may this socket come in?": an address in, a lease or a refusal out. No I/O, no allocation.</summary>
internal sealed class AdmissionGate(ConnectionLedger ledger, LimitPolicyStore policies, RelayMetrics metrics, TimeProvider time)
{
    private volatile bool _stopping;

    public Refusal TryAdmit(System.Net.IPAddress address, out IpKey key, out AdmissionLease lease)
    {
        var started = time.GetTimestamp();
        key = IpKey.From(address, policies.Current.Ipv6Prefix);
        var refusal = TryAdmit(key, out lease);
        metrics.AdmissionDecided(time.GetElapsedTime(started));
        return refusal;
    }

    public Refusal TryAdmit(IpKey key, out AdmissionLease lease)
    {
        if (_stopping)
        {
            ledger.CountRefusal(key, Refusal.Stopping);
            lease = default;
            return Refusal.Stopping;
        }

        return ledger.TryTake(key, out lease);
    }

    /// <summary>Changes the limits. When it returns, every later decision uses the new ones.</summary>
    public (LimitChangeResult Change, int Live, int KeysOverLimit) ChangeLimits(LimitChange change)
    {
        var result = policies.Change(change);
        var (live, keysOver) = ledger.Settle();
        return (result, live, keysOver);
    }

    /// <summary>From now on every newcomer is refused: the relay is going down.</summary>
    public void Stop() => _stopping = true;
}
