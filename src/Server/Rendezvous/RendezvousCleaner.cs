using Relay.Admission;
using Relay.Storage;

namespace Relay.Rendezvous;

/// <summary>
/// Removes what has expired, in batches so small that no message waits long; and, before the first socket comes, the hourly
/// tokens of sockets that ended with the process before; those of one whose place was taken match no socket any more, and expire.
/// </summary>
internal sealed class RendezvousCleaner(RendezvousStore store, RelayState state) : IHostedService
{
    private const int Batch = 500;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        // The process before may still be there, or have to go on.
        while (!state.HasPredecessor && await store.RemoveLeftTokensAsync(Batch) > 0)
        {
        }

        await store.CountAsync();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task CleanAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (!stoppingToken.IsCancellationRequested && await store.RemoveExpiredAsync(Batch) == Batch)
            {
            }
        }
        catch (StorageException)
        {
            // The database has logged it. Expired rows are not found any more; the next round tries again.
        }
    }
}
