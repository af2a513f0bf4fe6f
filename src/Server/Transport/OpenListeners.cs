using System.Net.Sockets;
using Relay.Native;

namespace Relay.Transport;

/// <summary>
/// The sockets that this process listens on, those of operators included, and how each of its listeners is made to accept no more: what another
/// process needs that is to take its place.
/// </summary>
internal sealed class OpenListeners(InheritedSockets inherited)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly List<Socket> _sockets = [];
    private readonly List<Func<Task>> _stops = [];
    private TaskCompletionSource? _held;

    /// <summary>What this process was given and has not taken yet.</summary>
    public InheritedSockets Inherited => inherited;

    /// <summary>The descriptors of all that are open.</summary>
    public IReadOnlyList<int> Descriptors
    {
        get
        {
            lock (_lock)
            {
                return [.. _sockets.Where(socket => !socket.SafeHandle.IsClosed).Select(socket => (int)socket.Handle)];
            }
        }
    }

    /// <summary>A socket that was bound here, or inherited.</summary>
    public Socket Add(Socket socket)
    {
        lock (_lock)
        {
            _sockets.RemoveAll(other => other.SafeHandle.IsClosed);
            _sockets.Add(socket);
        }

        return socket;
    }

    /// <param name="stop">Has a listener accept no more; what it has accepted goes on.</param>
    public void Add(Func<Task> stop)
    {
        lock (_lock)
        {
            _stops.Add(stop);
        }
    }

    /// <summary>Done when the public's listeners accept: at once, unless they were held back.</summary>
    public Task Opened
    {
        get
        {
            lock (_lock)
            {
                return _held?.Task ?? Task.CompletedTask;
            }
        }
    }

    /// <summary>Before they are bound: the public's listeners accept nobody until <see cref="Open"/>.</summary>
    public void Hold()
    {
        lock (_lock)
        {
            _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    public void Open()
    {
        lock (_lock)
        {
            _held?.TrySetResult();
        }
    }

    /// <summary>Accepts no more on any listener. Whoever else has the sockets goes on with the connections that wait in them.</summary>
    public async Task StopAsync()
    {
        // .NET disconnects a socket that is closed while somebody works with it, which would end it for everybody, unless it looks like one
        // that others have as well.
        foreach (var descriptor in Descriptors)
        {
            PassedDescriptors.SetInheritable(descriptor, isInheritable: true);
        }

        List<Func<Task>> stops;
        lock (_lock)
        {
            stops = [.. _stops];
        }

        await Task.WhenAll(stops.Select(stop => stop()));
    }
}
