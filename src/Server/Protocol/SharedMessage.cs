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

    public int Length => _message.Length;

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
