using Relay.Addresses;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>The one answer to "may this socket come in?": an address in, a lease or a refusal out. No I/O, no allocation.</summary>
internal sealed class AdmissionGate(
    ConnectionLedger ledger,
    LimitPolicyStore policies,
    AutoBans bans,
    ProtectedNetworks protectedNetworks,
    OverloadMonitor overload,
    DecisionLog decisions,
    RelayMetrics metrics,
    TimeProvider time)
{
    // Refusal.None while newcomers are let in; replaced by whoever drains or stops the relay.
    private volatile Refusal _closedBy = Refusal.None;

    /// <summary>Why nobody is let in at all; None: the limits decide.</summary>
    public Refusal ClosedBy => _closedBy;

    /// <summary>Decides on a whole address, or on <see cref="IpKey.Unresolved"/>.</summary>
    public Decision TryAdmit(IpKey address, out AdmissionLease lease)
    {
        var started = time.GetTimestamp();
        var decision = Decide(address, started, out lease);
        if (decision.Refusal != Refusal.None)
        {
            decision = decision with { OverloadLevel = overload.For(decision.OverloadLevel) };
        }

        decisions.Record(address, decision);
        if (decision.IsTimed)
        {
            metrics.AdmissionDecided(time.GetElapsedTime(started));
        }

        return decision;
    }

    /// <summary>
    /// True for a connection that would be refused and is not worth TLS and HTTP: it has been counted as refused, and is to
    /// be closed without a word. Asked before a byte of it is read.
    /// </summary>
    public bool TryRejectEarly(IpKey address)
    {
        var pinned = overload.Pinned;
        if (pinned is OverloadLevel.Normal || (pinned is null && overload.IsQuiet))
        {
            return false;
        }

        // Health checks and scrapers come from networks that are cut only for what they do themselves, and everybody's may
        // come while the relay is emptied.
        var closed = _closedBy;
        var all = overload.OverloadLevel;
        if (all != OverloadLevel.Normal && (closed != Refusal.None || protectedNetworks.Why(address, allowPrivate: false) is not null))
        {
            all = OverloadLevel.Normal;
        }

        var known = closed != Refusal.None ? closed : bans.IsBanned(address) ? Refusal.Banned : Refusal.None;
        if (!ledger.TryRejectEarly(address, known, all, pinned ?? OverloadLevel.Critical, time.GetTimestamp(), out var decision))
        {
            return false;
        }

        ViolationFor(decision.Refusal, address);
        overload.CountRejection(RejectionMode.Reset);
        decisions.Record(address, decision with { OverloadLevel = OverloadLevel.Critical });
        return true;
    }

    /// <summary>A client broke the protocol, or asked too often for what it was refused.</summary>
    public void RecordViolation(IpKey address)
    {
        if (policies.Current.For(address, address, time).IsCounted)
        {
            bans.RecordViolation(address);
        }
    }

    /// <summary>Changes the policy. When it returns, every later decision uses the new one.</summary>
    public async Task<PolicyResult> ChangeAsync(PolicyChange change)
    {
        var result = await policies.ChangeAsync(change);
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

    private Decision Decide(IpKey address, long now, out AdmissionLease lease)
    {
        if (_closedBy is not Refusal.None and var closed)
        {
            lease = default;
            return ledger.CountRefusal(address, closed, now);
        }

        if (bans.IsBanned(address))
        {
            lease = default;
            return ledger.CountRefusal(address, Refusal.Banned, now);
        }

        var decision = ledger.TryTake(address, now, out lease);
        ViolationFor(decision.Refusal, address);
        return decision;
    }

    // Who is banned already is not banned again: an operator's ban ends when it says.
    private void ViolationFor(Refusal refusal, IpKey address)
    {
        if (refusal is not (Refusal.None or Refusal.Banned) && RefusalReasons.IsClients(refusal))
        {
            bans.RecordViolation(address);
        }
    }
}
