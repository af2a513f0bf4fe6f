using Relay.Addresses;
using Relay.Limits;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>The one answer to "may this socket come in?": an address in, a lease or a refusal out. No I/O, no allocation.</summary>
internal sealed class AdmissionGate(
    ConnectionLedger ledger, LimitPolicyStore policies, AutoBans bans, DecisionLog decisions, RelayMetrics metrics, TimeProvider time)
{
    // Refusal.None while newcomers are let in; replaced by whoever drains or stops the relay.
    private volatile Refusal _closedBy = Refusal.None;

    /// <summary>Why nobody is let in at all; None: the limits decide.</summary>
    public Refusal ClosedBy => _closedBy;

    /// <summary>Decides on a whole address, or on <see cref="IpKey.Unattributed"/>.</summary>
    public Decision TryAdmit(IpKey address, out AdmissionLease lease)
    {
        var started = time.GetTimestamp();
        var decision = Decide(address, out lease);
        decisions.Record(address, decision);
        metrics.AdmissionDecided(time.GetElapsedTime(started));
        return decision;
    }

    /// <summary>A client broke the protocol, or asked too often for what it was refused.</summary>
    public void Strike(IpKey address)
    {
        if (policies.Current.For(address, address, time).IsCounted)
        {
            bans.Strike(address);
        }
    }

    /// <summary>Changes the policy. When it returns, every later decision uses the new one.</summary>
    public PolicyResult Change(PolicyChange change)
    {
        var result = policies.Change(change);
        ledger.Settle();
        return result;
    }

    /// <summary>Goes back to an earlier revision, likewise.</summary>
    public PolicyResult Rollback(long revision, PolicyChange change)
    {
        var result = policies.Rollback(revision, change);
        ledger.Settle();
        return result;
    }

    /// <summary>From now on every newcomer is refused: the relay is going down.</summary>
    public void Stop() => _closedBy = Refusal.Stopping;

    /// <summary>From now on, or no longer, newcomers are refused because the relay is being emptied.</summary>
    public void Drain(bool on)
    {
        if (_closedBy != Refusal.Stopping)
        {
            _closedBy = on ? Refusal.Draining : Refusal.None;
        }
    }

    private Decision Decide(IpKey address, out AdmissionLease lease)
    {
        if (_closedBy is not Refusal.None and var closed)
        {
            lease = default;
            return ledger.CountRefusal(address, closed);
        }

        if (bans.IsBanned(address))
        {
            lease = default;
            return ledger.CountRefusal(address, Refusal.Banned);
        }

        var decision = ledger.TryTake(address, out lease);
        // Who is banned already is not banned again: an operator's ban ends when it says.
        if (decision.Refusal is not (Refusal.None or Refusal.Banned) && RefusalReasons.IsClients(decision.Refusal))
        {
            bans.Strike(address);
        }

        return decision;
    }
}
