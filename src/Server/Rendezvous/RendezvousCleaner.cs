using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// Removes what has expired, in batches so small that no message waits long; and, before the first socket comes, the hourly
/// tokens of sockets that ended with the process before.
/// </summary>
internal sealed class RendezvousCleaner(RendezvousStore store, RendezvousOptions options, TimeProvider time) : BackgroundService
{
    private const int Batch = 500;

    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        while (await store.RemoveLeftTokensAsync(Batch) > 0)
        {
        }

        await store.CountAsync();
        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.CleanupInterval, time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                await CleanAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The relay stops, or did not start: the host would take this for a defect in the latter case.
        }
    }

    private async Task CleanAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested && await store.RemoveExpiredAsync(Batch) == Batch)
            {
            }
        }
        catch (StorageException)
        {
            // The database has logged it. What has expired is found by nobody; the next round tries again.
        }
    }
}
