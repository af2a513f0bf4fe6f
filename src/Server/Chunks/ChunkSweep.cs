using Relay.Scheduling;

namespace Relay.Chunks;

/// <summary>
/// Brings back what the database has kept, and then ends, for all chunks: pulls that were not answered, announcements
/// and contents whose life is over, and their rows.
/// </summary>
internal sealed class ChunkSweep(ChunkTable table, ChunkStore store, TimeProvider time) : IHostedService
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    // Sweep's alone.
    private readonly SweepClock _clock = new(time);
    private Task _deleting = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        table.NumberFrom(store.FirstRow);
        table.Restore(await store.LoadAsync());
    }

    /// <summary>After the last sweep: the periodic work stops before this.</summary>
    public Task StopAsync(CancellationToken cancellationToken) => _deleting;

    public void Sweep()
    {
        // After a stall answers to pulls wait in the sockets that came in time.
        _clock.Begin();
        if (_clock.IsLate)
        {
            return;
        }

        var more = true;
        while (more)
        {
            var expired = new List<PullChange>();
            more = table.Sweep(expired);
            expired.ForEach(ChunkPuller.Fail);
        }

        // The disk may be slow; the deadlines of those who wait are not to be.
        if (_deleting.IsCompleted)
        {
            _deleting = DeleteAsync();
        }
    }

    private async Task DeleteAsync()
    {
        while (table.TakeDeadRows(ChunkStore.DeleteBatch) is { Count: > 0 } rows)
        {
            if (!await store.TryDeleteAsync(rows))
            {
                // At the next tick again.
                table.PutBackDeadRows(rows);
                return;
            }
        }
    }
}
