using Relay.Policy;

namespace Relay.Admin;

/// <summary>Logs at the start what an operator who knows only the configuration would not expect.</summary>
internal sealed partial class PolicyAtStart(LimitPolicyStore policies, ILogger<PolicyAtStart> logger) : IHostedService
{
    private const int MaxShown = 20;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (policies.KeptIn is null)
        {
            Log.InMemoryOnly(logger);
        }

        var changed = policies.Overview().Changed.Where(item => !item.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)).ToList();
        if (changed.Count > 0)
        {
            var items = changed.Take(MaxShown).Select(item =>
                $"{item.Path} {item.Text ?? "(none)"} instead of {item.Configured ?? "(none)"}, by {item.Who} at {item.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}");
            Log.NotConfigured(logger, string.Join("; ", items) + (changed.Count > MaxShown ? $"; and {changed.Count - MaxShown} more" : ""));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Changed by operators and not as configured: {Items}. `relayctl limits reset ITEM` goes back to the configuration")]
        public static partial void NotConfigured(ILogger logger, string items);

        [LoggerMessage(2, LogLevel.Warning, "Admission:PolicyFile is empty: changes of limits and bans are kept in memory only and end with the process")]
        public static partial void InMemoryOnly(ILogger logger);
    }
}
