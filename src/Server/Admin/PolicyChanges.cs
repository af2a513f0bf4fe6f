using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>The one way in which operators change the policy, whichever call it was: what cannot be done becomes a status.</summary>
internal sealed class PolicyChanges(AdmissionGate gate)
{
    /// <summary>Throws an RpcException for what is stale, not valid or cannot be written.</summary>
    /// <param name="inField">Names the field of the request that an item came from.</param>
    public async Task<PolicyResult> MakeAsync(PolicyChange change, Func<(string, string), (string, string)>? inField = null)
    {
        var result = await gate.ChangeAsync(change);
        return result.IsStale ? throw AdminErrors.Stale(change.ExpectedRevision!.Value, result.Before.Revision)
            : result.IsUnknown ? throw AdminErrors.NotRemembered(change.RollbackTo!.Value)
            : result.NotWritten is { } error ? throw AdminErrors.NotWritten(error)
            : result.Errors.Count > 0 ? throw AdminErrors.Invalid(inField is null ? result.Errors : result.Errors.Select(inField))
            : result;
    }
}
