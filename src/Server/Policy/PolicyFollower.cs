namespace Relay.Policy;

/// <summary>
/// Keeps this relay at the newest revision of the shared journal: at its start, every second, and when somebody has heard that there is a
/// newer one.
/// </summary>
internal sealed partial class PolicyFollower(LimitPolicyStore store, ILogger<PolicyFollower> logger) : IHostedService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private volatile string? _told;

    /// <summary>Throws <see cref="InvalidDataException"/> for a journal that this relay must not start without.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        if (await store.CatchUpAsync() is { StopsStart: true, Problem: { } problem })
        {
            throw new InvalidDataException(problem);
        }
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Applies all that is newer. What is damaged is logged once; that the database is away, it has logged itself.</summary>
    public async Task CatchUpAsync()
    {
        var problem = await store.CatchUpAsync() is { IsDamaged: true } followed ? followed.Problem : null;
        if (problem is not null && problem != _told)
        {
            Log.Damaged(logger, problem);
        }

        _told = problem;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "{Problem}")]
        public static partial void Damaged(ILogger logger, string problem);
    }
}
