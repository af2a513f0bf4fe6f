namespace Relay.Chunks;

/// <summary>
/// Brings back what the database has kept, and then the one timer of all chunks: pulls that nobody answered, announcements
/// and contents whose life is over, and their rows.
/// </summary>
internal sealed class ChunkSweep(ChunkTable table, ChunkStore store, TimeProvider time) : IHostedService, IDisposable
{
    // Rows that one transaction deletes.
    private const int DeleteBatch = 256;

    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    // Set at the start.
    private ITimer? _timer;

    // Atomic.
    private int _sweeping;

    // Guarded by _sweeping.
    private Task _deleting = Task.CompletedTask;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        table.Restore(await store.LoadAsync());
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await (_timer?.DisposeAsync() ?? ValueTask.CompletedTask);
        await _deleting;
    }

    public void Dispose() => _timer?.Dispose();

    private void Sweep()
    {
        if (Interlocked.Exchange(ref _sweeping, 1) == 1)
        {
            return;
        }

        var more = true;
        while (more)
        {
            var expired = new List<PullChange>();
            more = table.Sweep(expired);
            ChunkHandler.Tell(expired);
        }

        // The disk may be slow; the deadlines of those who wait are not to be.
        if (_deleting.IsCompleted)
        {
            _deleting = DeleteAsync();
        }

        Volatile.Write(ref _sweeping, 0);
    }

    private async Task DeleteAsync()
    {
        while (table.TakeDeadRows(DeleteBatch) is { Count: > 0 } rows)
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
