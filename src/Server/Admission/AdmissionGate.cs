using Relay.Addresses;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.Admission;

/// <summary>How a connection would fare.</summary>
/// <param name="Policy">What it was evaluated by, and from <paramref name="Input"/>.</param>
/// <param name="Shadow">What the shadow limits would say; null: there are none.</param>
/// <param name="Mode">How it would be rejected; null: it would be admitted.</param>
internal sealed record AdmissionPreview(LimitPolicy Policy, RuleInput Input, RuleTrace Trace, Refusal Refusal, Refusal? Shadow, RejectionMode? Mode);

/// <summary>The one answer to "may this socket come in?": an address in, a lease or a refusal out. No I/O, no allocation.</summary>
internal sealed class AdmissionGate(
    ConnectionLedger ledger,
    LimitPolicyStore policies,
    AdmissionOptions options,
    AutoBans bans,
    ProtectedNetworks protectedNetworks,
    OverloadMonitor overload,
    DecisionLog decisions,
    RelayMetrics metrics,
    TimeProvider time)
{
    /// <summary>The first of the rules: whether the relay takes new connections at all.</summary>
    public RelayState State { get; } = new();

    /// <summary>Decides on a whole address, or on <see cref="IpKey.Unresolved"/>.</summary>
    public Decision TryAdmit(IpKey address, out AdmissionLease lease) => TryAdmit(address, default, out lease);

    /// <summary>The same for a client that authentication has looked at.</summary>
    public Decision TryAdmit(IpKey address, in Credential credential, out AdmissionLease lease)
    {
        var started = time.GetTimestamp();
        var decision = ledger.TryAcquire(address, started, out lease, StandingOf(address) with { Authentication = credential.Refusal }, credential.Subject);
        if (decision.Refusal != Refusal.None)
        {
            // What one person does at an office's address is not all of the office's.
            if (!decision.Key.IsSubject)
            {
                ViolationFor(decision.Refusal, address);
            }

            decision.OverloadLevel = overload.For(decision.OverloadLevel);
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
        if (!MayReset(address, out var all, out var max)
            || !ledger.TryRejectEarly(address, StandingOf(address), all, max, time.GetTimestamp(), out var decision))
        {
            return false;
        }

        ViolationFor(decision.Refusal, address);
        overload.CountRejection(RejectionMode.Reset);
        decision.OverloadLevel = OverloadLevel.Critical;
        decisions.Record(address, decision);
        return true;
    }

    /// <summary>What the same rules would decide for a connection now. Changes nothing.</summary>
    /// <param name="subject">Who the client proves to be; null: nobody.</param>
    /// <param name="isKnownEarly">The client's address is known before a request is read, so that the connection may be reset.</param>
    public AdmissionPreview Preview(IpKey address, bool isKnownEarly, Subject? subject = null)
    {
        var trace = new RuleTrace();
        var inputs = ledger.InputsOf(address, StandingOf(address), subject, time.GetTimestamp());
        var verdict = AdmissionRules.Evaluate(inputs.Policy, inputs.Input, inputs.Rates, time, trace);
        Refusal? shadow = inputs.Policy.Shadow is { } tried ? AdmissionRules.Evaluate(tried, inputs.Input, inputs.ShadowRates, time).Refusal : null;
        if (verdict.Refusal == Refusal.None)
        {
            return new AdmissionPreview(inputs.Policy, inputs.Input, trace, Refusal.None, shadow, null);
        }

        var isReset = isKnownEarly && MayReset(address, out var all, out var max)
            && Rejections.IsReset(verdict.Refusal, OverloadLevels.Clamp(inputs.Levels.Now, all, max));
        var mode = isReset ? RejectionMode.Reset : Rejections.ModeOf(verdict.Refusal, overload.For(inputs.Levels.Next), options.RejectionMode);
        return new AdmissionPreview(inputs.Policy, inputs.Input, trace, verdict.Refusal, shadow, mode);
    }

    /// <summary>Whether an address is banned or denied, for those who take no client's slot: peer servers.</summary>
    public Refusal BarOf(IpKey address)
    {
        var policy = policies.Current;
        var kind = KeyLimits.Of(policy, address, address.TruncateIpv6(policy.Ipv6Prefix)).Kind;
        return address.IsUnresolved ? Refusal.None : AdmissionRules.ByAddress(policy, address, kind, bans.IsBanned(address));
    }

    /// <summary>True when a client of this address is refused whoever it proves to be: then nobody is asked.</summary>
    public bool IsClosedTo(IpKey address) => State.ClosedBy != Refusal.None || BarOf(address) != Refusal.None;

    /// <summary>What connections of an address count by among those of others, wherever they are counted.</summary>
    public IpKey KeyOf(IpKey address) => address.TruncateIpv6(policies.Current.Ipv6Prefix);

    /// <summary>A client broke the protocol, or asked too often for what it was refused.</summary>
    public void RecordViolation(IpKey address)
    {
        if (KeyLimits.Of(policies.Current, address, address).IsCounted)
        {
            bans.RecordViolation(address);
        }
    }

    /// <summary>Changes the policy. When it returns, every later decision uses the new one.</summary>
    public async Task<PolicyResult> ChangeAsync(PolicyChange change)
    {
        var result = await policies.ChangeAsync(change);
        ledger.Barrier();
        return result;
    }

    private Standing StandingOf(IpKey address) => new(State.ClosedBy, bans.IsBanned(address));

    // False: no connection of this address is reset. Else the global level, and the maximum for this address.
    private bool MayReset(IpKey address, out OverloadLevel all, out OverloadLevel max)
    {
        var pinned = overload.Pinned;
        (all, max) = (overload.OverloadLevel, pinned ?? OverloadLevel.Critical);
        if (pinned is OverloadLevel.Normal || (pinned is null && overload.IsQuiet))
        {
            return false;
        }

        // Health checks and scrapers come from networks that are reset only for what they do themselves, and everybody's may
        // come while the relay drains.
        if (all != OverloadLevel.Normal && (State.ClosedBy != Refusal.None || protectedNetworks.Why(address, allowPrivate: false) is not null))
        {
            all = OverloadLevel.Normal;
        }

        return true;
    }

    // Who is banned already is not banned again: an operator's ban ends when it says.
    private void ViolationFor(Refusal refusal, IpKey address)
    {
        if (refusal is not (Refusal.None or Refusal.Banned) && Rejections.Of(refusal).Fault == Fault.Client)
        {
            bans.RecordViolation(address);
        }
    }
}
