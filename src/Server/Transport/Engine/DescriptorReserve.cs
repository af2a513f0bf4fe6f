using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A descriptor kept back, one for all loops, to accept and reset a connection for which there is no other: the system would offer
/// it for ever.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    private readonly Lock _lock = new();

    // Guarded by _lock, under which nothing waits; negative: somebody was given it while it was closed.
    private int _descriptor = Descriptors.OpenNull();

    // Written under _lock, read without it.
    private int _begun;
    private int _ended;

    /// <summary>How often it has been used.</summary>
    public int Uses => Volatile.Read(ref _ended);

    /// <summary>Whether it has been used, or is being used, since there were so many uses: a descriptor given meanwhile may be this one.</summary>
    public bool IsUsedSince(int uses) => Volatile.Read(ref _begun) != uses;

    /// <summary>Accepts a connection and resets it; negative: the error, there was none or not even a reserve.</summary>
    public int Reject(int listener)
    {
        lock (_lock)
        {
            if (!TryTake())
            {
                return -Errno.TooManyFiles;
            }

            Volatile.Write(ref _begun, _begun + 1);
            Descriptors.Close(_descriptor);
            var accepted = Sockets.Accept(listener, out _, out _);
            if (accepted >= 0)
            {
                Sockets.Reset(accepted);
            }

            _descriptor = Descriptors.OpenNull();
            Volatile.Write(ref _ended, _ended + 1);
            return accepted;
        }
    }

    /// <summary>Takes it again if it was lost and another has become free.</summary>
    public void Restore()
    {
        lock (_lock)
        {
            TryTake();
        }
    }

    public void Dispose()
    {
        if (_descriptor >= 0)
        {
            Descriptors.Close(_descriptor);
        }
    }

    private bool TryTake()
    {
        _descriptor = _descriptor >= 0 ? _descriptor : Descriptors.OpenNull();
        return _descriptor >= 0;
    }
}
