namespace Relay.Telemetry;

/// <summary>
/// The longest time for which the garbage collector has stopped all threads. The runtime only adds pauses up, so the sum is read after
/// every collection: by a loop of the engine that is busy, else by the finalizer. Pauses that follow one another faster than that count
/// as one: what this says is never too short.
/// </summary>
internal sealed class GcPauses : IDisposable
{
    private readonly Lock _lock = new();
    private volatile bool _isDisposed;

    // Guarded by _lock.
    private TimeSpan _sum = GC.GetTotalPauseDuration();
    private TimeSpan _longest;

    // Written under _lock.
    private int _collections = GC.CollectionCount(0);

    public GcPauses() => Watch();

    /// <summary>Since this object was made.</summary>
    public TimeSpan Longest
    {
        get
        {
            lock (_lock)
            {
                Read();
                return _longest;
            }
        }
    }

    /// <summary>Reads the sum if there has been a collection.</summary>
    public void Look()
    {
        if (GC.CollectionCount(0) != Volatile.Read(ref _collections))
        {
            lock (_lock)
            {
                Read();
            }
        }
    }

    public void Dispose() => _isDisposed = true;

    // Under the lock.
    private void Read()
    {
        _collections = GC.CollectionCount(0);
        var sum = GC.GetTotalPauseDuration();
        _longest = TimeSpan.FromTicks(Math.Max(_longest.Ticks, (sum - _sum).Ticks));
        _sum = sum;
    }

    private void Watch() => GC.KeepAlive(new Witness(this));

    /// <summary>Nobody holds it, so the next collection, of whatever generation, finalizes it.</summary>
    private sealed class Witness(GcPauses pauses)
    {
        ~Witness()
        {
            if (!pauses._isDisposed)
            {
                pauses.Look();
                pauses.Watch();
            }
        }
    }
}
