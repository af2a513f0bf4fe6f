using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Clients;
using Relay.Events;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>What follows from a change that was made, or tried: the audit's two sides, excess connections, the reply.</summary>
internal sealed class ChangeOutcome(
    LimitPolicyStore policies,
    PolicyAcknowledgements nodes,
    ConnectionLedger ledger,
    SessionTable sessions,
    PacedDisconnector closer,
    RelayEvents events,
    TimeProvider time)
{
    private const int MaxRows = 20;

    public async Task<ChangePolicyResponse> OfAsync(PolicyResult result, ChangeOptions? options, ServerCallContext context)
    {
        var isDryRun = options?.DryRun == true;
        var effect = Admission.PolicyEffect.Of(ledger, result.After, time);
        var excess = options?.Excess ?? Excess.Unspecified;
        var evicted = excess is Excess.EvictIdle or Excess.EvictNewest
            ? ExcessSelection.Choose(sessions.All.Where(session => IsCounted(session, result.Before)), effect, excess == Excess.EvictNewest)
            : [];
        var warnings = PolicyWarnings.Of(result, effect, stays: evicted.Count == 0);
        if (!isDryRun)
        {
            AdminCaller.Of(context).Changed(
                PolicyChanged.Short(result.Differences, difference => difference.Before), PolicyChanged.Short(result.Differences, difference => difference.After));
            closer.Add(evicted, CloseReason.Evicted);
            if (evicted.Count > 0)
            {
                events.Publish(new ClientsDisconnected(evicted.Count) { Who = AdminCaller.Of(context).Who, Reason = options?.Reason ?? "" });
            }

            warnings = policies.KeptIn is null && result.Differences.Count > 0 ? warnings.Append(PolicyWarnings.InMemoryOnly) : warnings;
        }

        return new ChangePolicyResponse
        {
            RevisionBefore = result.Before.Revision,
            Revision = isDryRun ? result.Before.Revision : result.After.Revision,
            Changes = { result.Differences.Select(PolicyMapper.Of) },
            Warnings = { warnings },
            Effect = PolicyMapper.Of(effect, MaxRows),
            RevertsAt = PolicyMapper.Moment(result.RevertsAt),
            ConfirmBy = PolicyMapper.Moment(result.ConfirmBy),
            Evicted = evicted.Count,
            Before = LimitSettingsMapper.Limits(result.Before.Items),
            After = LimitSettingsMapper.Limits(result.After.Items),
            Nodes = { await InForceAsync(result, isDryRun, nodes) },
        };
    }

    /// <summary>Where the change is in force; nothing where nothing was changed.</summary>
    public static async Task<IEnumerable<NodeRevision>> InForceAsync(PolicyResult? result, bool isDryRun, PolicyAcknowledgements nodes) =>
        isDryRun || result is not { Differences.Count: > 0 }
            ? []
            : (await nodes.AskAsync(result.After.Revision)).Select(node => new NodeRevision
            {
                Node = node.Node,
                Revision = node.Revision,
                InForce = node.Problem is null,
                Problem = node.Problem ?? "",
            });

    // Closing one that is not counted would free no slot.
    public static bool IsCounted(Session session, LimitPolicy policy) =>
        session.State is Client && KeyLimits.Of(policy, session.Address, session.Key).IsCounted;
}
