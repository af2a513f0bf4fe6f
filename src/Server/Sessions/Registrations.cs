namespace Relay.Sessions;

/// <summary>What a socket is registered as, as a number: who stays without any for too long is closed. A field, never copied.</summary>
internal struct Registrations
{
    // Atomic.
    private int _count;
    private long _emptySince;

    public Registrations(long now) => _emptySince = now;

    public readonly bool Any => Volatile.Read(in _count) > 0;

    /// <summary>Since when there is none, as a timestamp; only then of use.</summary>
    public readonly long EmptySince => Volatile.Read(in _emptySince);

    public void Add() => Interlocked.Increment(ref _count);

    public void Remove(long now)
    {
        Volatile.Write(ref _emptySince, now);
        Interlocked.Decrement(ref _count);
    }
}
