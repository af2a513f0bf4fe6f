using Relay.Addresses;
using Relay.Admission;
using Relay.AuditLog;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>
/// Logs every change of the policy and every automatic ban, and audits the changes that the relay made itself; the calls of
/// operators are audited where they come in.
/// </summary>
internal sealed partial class PolicyRecorder(LimitPolicyStore policies, AutoBans bans, AuditRecorder audit, ILogger<PolicyRecorder> logger) : IHostedService
{
    private const int MaxShown = 20;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (policies.File is null)
        {
            Log.InMemoryOnly(logger);
        }

        var changed = policies.Overview().Changed.Where(item => !item.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)).ToList();
        if (changed.Count > 0)
        {
            Log.NotConfigured(logger, Join(changed, item =>
                $"{item.Path} {item.Text ?? "(none)"} instead of {item.Configured ?? "(none)"}, by {item.Who} at {item.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}", "; "));
        }

        foreach (var revision in policies.MadeAtStart)
        {
            Record(revision);
        }

        policies.Changed += Record;
        bans.Banned = ban => Log.Banned(logger, ban.Network, ban.Until, ban.Times);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        policies.Changed -= Record;
        return Task.CompletedTask;
    }

    private void Record(PolicyRevision revision)
    {
        var changes = Join(revision.Differences, change => $"{change.Path} {change.Before ?? "(none)"} -> {change.After ?? "(none)"}", ", ");
        Log.Changed(logger, revision.Who, revision.Reason.Length > 0 ? Printable(revision.Reason) : "no reason given", changes, revision.Revision);
        if (revision.Who == PolicyRevision.Relay)
        {
            audit.Record(AuditEntry.OfRelay(
                revision.Differences.Any(difference => difference.Reverts is not null) ? "Revert" : "Configure",
                $"revision={revision.Revision}",
                revision.Reason,
                PolicyMapper.Short(revision.Differences, difference => difference.Before),
                PolicyMapper.Short(revision.Differences, difference => difference.After)));
        }
    }

    private static string Join<T>(IReadOnlyCollection<T> all, Func<T, string> text, string separator) =>
        string.Join(separator, all.Take(MaxShown).Select(text)) + (all.Count > MaxShown ? $"{separator}and {all.Count - MaxShown} more" : "");

    // A line break in a reason must not look like a log entry of its own.
    private static string Printable(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Limits changed by {Who} ({Reason}): {Changes}, revision {Revision}")]
        public static partial void Changed(ILogger logger, string who, string reason, string changes, long revision);

        [LoggerMessage(4, LogLevel.Warning, "Banned {Network} until {Until:u}, offence number {Times}")]
        public static partial void Banned(ILogger logger, IpPrefix network, DateTimeOffset until, int times);

        [LoggerMessage(2, LogLevel.Information, "Changed by operators and not as configured: {Items}. `relayctl limits reset ITEM` goes back to the configuration")]
        public static partial void NotConfigured(ILogger logger, string items);

        [LoggerMessage(3, LogLevel.Warning, "Admission:PolicyFile is empty: changes of limits and bans are kept in memory only and end with the process")]
        public static partial void InMemoryOnly(ILogger logger);
    }
}
