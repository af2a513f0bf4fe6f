using System.Threading.Channels;
using Relay.Addresses;
using Relay.Admission;
using Relay.AuditLog;
using Relay.Policy;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>
/// Logs what changes in the relay, whoever or whatever changed it, and audits what the relay did itself; the calls of operators
/// are audited where they come in. What happens on the path of a connection is only queued there: the audit file is written
/// here, by one reader.
/// </summary>
internal sealed partial class OperatorLog(
    LimitPolicyStore policies, AutoBans bans, OverloadMonitor overload, RelayState state, Drainer drainer, AuditRecorder audit, ILogger<OperatorLog> logger) : IHostedService
{
    private const int MaxShown = 20;

    // A flood may ban many addresses at once; what does not fit is dropped and counted.
    private const int MaxQueued = 1_024;

    private readonly Channel<AuditEntry> _queue = Channel.CreateBounded<AuditEntry>(
        new BoundedChannelOptions(MaxQueued) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private long _dropped;

    // The last one that was told, by the state, one after another.
    private RelayPhase _phase;
    private Task _writing = Task.CompletedTask;

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
        bans.Banned += OnBanned;
        overload.LevelChanged += OnLevelChanged;
        state.Changed += OnPhaseChanged;
        drainer.Drained += OnDrained;
        _writing = WriteAsync();
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        policies.Changed -= Record;
        bans.Banned -= OnBanned;
        overload.LevelChanged -= OnLevelChanged;
        state.Changed -= OnPhaseChanged;
        drainer.Drained -= OnDrained;
        _queue.Writer.TryComplete();
        return _writing;
    }

    private void OnBanned(AutoBan ban)
    {
        Log.Banned(logger, ban.Network, ban.Until, ban.Times);
        Queue("Ban", $"network={ban.Network}", $"automatic, offence {ban.Times}", "", $"until {ban.Until.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
    }

    // The monitor logs it with its counts.
    private void OnLevelChanged(OverloadLevel before, OverloadLevel after) =>
        Queue("OverloadLevel", $"level={OverloadLevels.Name(after)}", null, OverloadLevels.Name(before), OverloadLevels.Name(after));

    private void OnPhaseChanged(RelayPhase phase)
    {
        switch (phase)
        {
            case RelayPhase.Draining:
                Log.Draining(logger);
                Queue("State", "draining", null, "serving", "draining");
                break;
            case RelayPhase.Serving when _phase == RelayPhase.Draining:
                Log.Serving(logger);
                Queue("State", "serving", null, "draining", "serving");
                break;
        }

        _phase = phase;
    }

    private void OnDrained(int closed)
    {
        Log.Drained(logger, closed);
        Queue("Drained", $"disconnected={closed}", null, "", "no client is left");
    }

    private void Queue(string method, string what, string? why, string before, string after)
    {
        if (!_queue.Writer.TryWrite(AuditEntry.OfRelay(method, what, why, before, after)))
        {
            Interlocked.Increment(ref _dropped);
        }
    }

    private async Task WriteAsync()
    {
        await foreach (var entry in _queue.Reader.ReadAllAsync())
        {
            audit.Record(entry);
            if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var dropped)
            {
                Log.Dropped(logger, dropped);
            }
        }
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

        [LoggerMessage(5, LogLevel.Information, "Draining: new connections are rejected")]
        public static partial void Draining(ILogger logger);

        [LoggerMessage(6, LogLevel.Information, "Serving: new connections are accepted")]
        public static partial void Serving(ILogger logger);

        [LoggerMessage(7, LogLevel.Information, "Drained: {Closed} clients were disconnected, none is left")]
        public static partial void Drained(ILogger logger, int closed);

        [LoggerMessage(8, LogLevel.Warning, "{Dropped} audit entries of the relay's own changes were dropped: too many at once")]
        public static partial void Dropped(ILogger logger, long dropped);

        [LoggerMessage(2, LogLevel.Information, "Changed by operators and not as configured: {Items}. `relayctl limits reset ITEM` goes back to the configuration")]
        public static partial void NotConfigured(ILogger logger, string items);

        [LoggerMessage(3, LogLevel.Warning, "Admission:PolicyFile is empty: changes of limits and bans are kept in memory only and end with the process")]
        public static partial void InMemoryOnly(ILogger logger);
    }
}
