namespace Relay.Transport;

/// <summary>
/// Where whoever works on what a peer has said has to pass while it is no loop of the engine, so that there can be a moment in which nobody
/// does. Thread-safe.
/// </summary>
internal sealed class Standstill
{
    private readonly Lock _lock = new();

    // Atomic: who has passed and is not done.
    private int _inside;

    // Null: nothing stands still. Written under _lock.
    private volatile TaskCompletionSource? _over;

    /// <summary>Nobody is inside. Of use only between <see cref="Begin"/> and <see cref="End"/>.</summary>
    public bool IsReached => Volatile.Read(ref _inside) == 0;

    /// <summary>Nobody passes from now on.</summary>
    public void Begin()
    {
        lock (_lock)
        {
            _over ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        // Whoever has not seen it is counted by now.
        Interlocked.MemoryBarrier();
    }

    public void End()
    {
        TaskCompletionSource? over;
        lock (_lock)
        {
            (over, _over) = (_over, null);
        }

        over?.SetResult();
    }

    /// <summary>Waits while everything stands still. <see cref="Leave"/> follows.</summary>
    public ValueTask EnterAsync() => TryEnter(out var over) ? ValueTask.CompletedTask : WaitAsync(over);

    public void Leave() => Interlocked.Decrement(ref _inside);

    private async ValueTask WaitAsync(Task over)
    {
        do
        {
            await over;
        }
        while (!TryEnter(out over));
    }

    private bool TryEnter(out Task over)
    {
        Interlocked.Increment(ref _inside);
        if (_over is not { } standing)
        {
            over = Task.CompletedTask;
            return true;
        }

        Interlocked.Decrement(ref _inside);
        over = standing.Task;
        return false;
    }
}
