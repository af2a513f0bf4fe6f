using System.Net.Sockets;
using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>One loop's socket of a listener. The loop's thread only.</summary>
internal sealed class EngineAcceptor(EngineLoop loop, EngineListener listener, Socket socket, DescriptorReserve reserve, TimeProvider time) : IDisposable
{
    /// <summary>Time for which nothing is accepted when there is no descriptor left.</summary>
    public const int PauseMilliseconds = 100;

    private const int MaxInOneTurn = 64;

    private long _disarmedAt;

    public int Descriptor { get; } = (int)socket.Handle;

    public bool IsArmed { get; private set; } = true;

    public void OnReadable()
    {
        for (var i = 0; i < MaxInOneTurn; i++)
        {
            var uses = reserve.Uses;
            var descriptor = Sockets.Accept(Descriptor, out var high, out var low);
            if (descriptor >= 0 && reserve.IsMissingSince(uses))
            {
                Reject(descriptor);
            }
            else if (descriptor >= 0)
            {
                Enter(descriptor, IpKey.FromIpv6(high, low));
            }
            else if (descriptor is -Errno.TooManyFiles or -Errno.TooManyFilesInSystem or -Errno.NoMemory or -Errno.NoBuffers)
            {
                Shed();
                return;
            }
            else if (descriptor != -Errno.ConnectionAborted)
            {
                return;
            }
        }
    }

    /// <summary>Accepts again if the pause is over.</summary>
    public void TryArm()
    {
        if (time.GetElapsedTime(_disarmedAt).TotalMilliseconds >= PauseMilliseconds)
        {
            reserve.TryRestore();
            IsArmed = true;
            loop.Arm(this, isArmed: true);
        }
    }

    public void Dispose() => socket.Dispose();

    private void Enter(int descriptor, IpKey peer)
    {
        // Closed before the next is accepted: a flood never has more than one descriptor too many.
        if (!listener.Filter.Allows(listener.ClientAddress, peer))
        {
            Sockets.Reset(descriptor);
            return;
        }

        var connection = listener.Create(loop, descriptor, peer);
        loop.Enter(connection);
        listener.Filter.Enter(connection, peer);

        // Its request has often come by now. Read at once it cannot be crowded out by those that are accepted after it, and
        // needs no event.
        loop.Handle(connection, EpollEvents.Readable);
        if (!connection.TryWatch())
        {
            connection.Finish(isReset: true);
        }
    }

    private void Shed()
    {
        var rejected = reserve.Reject(Descriptor);
        if (rejected >= 0)
        {
            listener.Filter.RejectForFiles();
        }

        // Else nobody was there: the system looks for a descriptor first.
        if (rejected != -Errno.TryAgain)
        {
            (IsArmed, _disarmedAt) = (false, time.GetTimestamp());
            loop.Arm(this, isArmed: false);
        }
    }

    // The reserve gets its descriptor.
    private void Reject(int descriptor)
    {
        Sockets.Reset(descriptor);
        reserve.TryRestore();
        listener.Filter.RejectForFiles();
    }
}
