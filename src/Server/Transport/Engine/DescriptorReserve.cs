using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A descriptor kept back, one for all loops, to accept and reset a connection for which there is no other: the system would offer
/// it for ever.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    private readonly Lock _lock = new();

    // Written under _lock, under which nothing waits; read without it. Negative: somebody was given it while it was closed.
    private int _descriptor = Descriptors.OpenNull();
    private int _begun;
    private int _ended;

    /// <summary>How often it has been used.</summary>
    public int Uses => Volatile.Read(ref _ended);

    /// <summary>Whether a descriptor that was given since there were so many uses is needed here: it may be this one, which is missing.</summary>
    public bool IsMissingSince(int uses) => (Volatile.Read(ref _begun) != uses || Volatile.Read(ref _descriptor) < 0) && !TryRestore();

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

            Volatile.Write(ref _descriptor, Descriptors.OpenNull());
            Volatile.Write(ref _ended, _ended + 1);
            return accepted;
        }
    }

    /// <summary>Takes it again if it was lost and another has become free; whether it is there.</summary>
    public bool TryRestore()
    {
        lock (_lock)
        {
            return TryTake();
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
        if (_descriptor < 0)
        {
            Volatile.Write(ref _descriptor, Descriptors.OpenNull());
        }

        return _descriptor >= 0;
    }
}
