using Relay.Memory;

namespace Relay.Protocol;

/// <summary>
/// One encoded message for many sockets: written once, its array returned by its last user. The maker disposes its own
/// share when it has given out all others.
/// </summary>
internal sealed class SharedMessage(in EncodedMessage message) : IDisposable
{
    private readonly EncodedMessage _message = message;

    // Atomic: shares not returned yet, the maker's included.
    private int _shares = 1;

    // Atomic: how many keep it at the moment.
    private int _keepers;

    public int Length => _message.Length;

    /// <summary>What each of those who keep it holds by it.</summary>
    public int PartSize => _message.Size / Math.Max(1, Volatile.Read(ref _keepers));

    /// <summary>Somebody more keeps it. However many do, it counts once.</summary>
    public void Keep(MemoryBudget memory)
    {
        if (Interlocked.Increment(ref _keepers) == 1)
        {
            memory.Add(_message.Size);
        }
    }

    /// <summary>Somebody keeps it no longer.</summary>
    public void Unkeep(MemoryBudget memory)
    {
        if (Interlocked.Decrement(ref _keepers) == 0)
        {
            memory.Release(_message.Size);
        }
    }

    /// <summary>One more share; its receiver returns it.</summary>
    public EncodedMessage Share()
    {
        Interlocked.Increment(ref _shares);
        return new EncodedMessage(_message, this);
    }

    /// <summary>Returns one share.</summary>
    public void Dispose()
    {
        if (Interlocked.Decrement(ref _shares) == 0)
        {
            _message.Return();
        }
    }
}
