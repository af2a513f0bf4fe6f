using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>
/// The one way in which operators change the policy, whichever call it was: what cannot be done becomes a status, what was
/// done, also what the relay does by itself, is logged.
/// </summary>
internal sealed partial class PolicyChanges
{
    private readonly AdmissionGate _gate;

    public PolicyChanges(AdmissionGate gate, LimitPolicyStore policies, AutoBans bans, ILogger<PolicyChanges> logger)
    {
        _gate = gate;
        policies.Changed = revision => LogRevision(logger, revision);
        bans.Banned = ban => Log.Banned(logger, ban.Network, ban.Until, ban.Times);
    }

    /// <summary>Changes items. Throws an RpcException for what is stale or not valid.</summary>
    public PolicyResult Make(PolicyChange change) => Checked(_gate.Change(change), change);

    /// <summary>Goes back to an earlier revision.</summary>
    public PolicyResult Rollback(long revision, PolicyChange change)
    {
        var result = _gate.Rollback(revision, change);
        return result.IsUnknown ? throw AdminErrors.NotRemembered(revision) : Checked(result, change);
    }

    private static PolicyResult Checked(PolicyResult result, PolicyChange change) =>
        result.IsStale ? throw AdminErrors.Stale(change.ExpectedRevision!.Value, result.Before.Revision)
        : result.Errors.Count > 0 ? throw AdminErrors.Invalid(result.Errors)
        : result;

    private static void LogRevision(ILogger logger, PolicyRevision revision)
    {
        const int MaxShown = 10;
        var changes = revision.Differences.Take(MaxShown).Select(change => $"{change.Path} {change.Before ?? "(none)"} -> {change.After ?? "(none)"}");
        var rest = revision.Differences.Count > MaxShown ? $", and {revision.Differences.Count - MaxShown} more" : "";
        Log.Changed(logger, revision.Who, revision.Reason.Length > 0 ? Printable(revision.Reason) : "no reason given", revision.Differences.Count == 0 ? "nothing" : string.Join(", ", changes) + rest, revision.Revision);
    }

    // A line break in a reason must not look like a log entry of its own.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Limits changed by {Who} ({Reason}): {Changes}, revision {Revision}")]
        public static partial void Changed(ILogger logger, string who, string reason, string changes, long revision);

        [LoggerMessage(2, LogLevel.Warning, "Banned {Network} until {Until:u}, for the {Times}. time")]
        public static partial void Banned(ILogger logger, IpPrefix network, DateTimeOffset until, int times);
    }
}
