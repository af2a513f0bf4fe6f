using System.Buffers;
using System.Collections.Concurrent;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// One thread that waits for events of the descriptors that it owns and handles them, one after another. Nothing that
/// blocks runs on it.
/// </summary>
internal sealed partial class EngineLoop : IDisposable
{
    private const int MaxEvents = 256;
    private const int BufferBytes = 16 * 1024;
    private const int NeverTimeout = -1;

    // Tokens below this are the loop's own: 0 wakes it, the others are listening sockets. Those of connections hold a
    // slot in the lower half and a generation, which is never 0, in the upper one.
    private const ulong FirstConnection = 1UL << 32;

    private readonly Epoll _epoll = new(MaxEvents);
    private readonly int _wakeUp = Descriptors.CreateEvent();
    private readonly Thread _thread;
    private readonly LoopStatistics _statistics;
    private readonly TimeProvider _time;
    private readonly ILogger<EngineLoop> _logger;
    private readonly ConcurrentQueue<EngineConnection> _posted = [];
    private readonly ConcurrentQueue<Action> _work = [];
    private readonly SendBatch _batch = new();

    // The loop's thread only.
    private readonly Stack<uint> _free = [];
    private readonly List<EngineAcceptor?> _acceptors = [];
    private EngineConnection?[] _connections = new EngineConnection?[64];
    private uint _used;
    private uint _generation;

    private volatile bool _isStopping;

    // Atomic: 1 while nobody needs to wake the loop.
    private int _isAwake;

    public EngineLoop(int number, EngineHandshakes handshakes, LoopStatistics statistics, TimeProvider time, ILogger<EngineLoop> logger)
    {
        Handshakes = handshakes;
        _statistics = statistics;
        _time = time;
        _logger = logger;
        _epoll.TryAdd(_wakeUp, EpollEvents.Readable, 0);
        _thread = new Thread(Run) { IsBackground = true, Name = $"engine {number}" };
        _thread.Start();
    }

    public EngineHandshakes Handshakes { get; }

    /// <summary>Where everything is received. The loop's thread only.</summary>
    public byte[] Buffer { get; private set; } = ArrayPool<byte>.Shared.Rent(BufferBytes);

    public static void ReturnBuffer(byte[] buffer) => ArrayPool<byte>.Shared.Return(buffer);

    /// <summary>Gives the buffer away; the next bytes go into another.</summary>
    public byte[] TakeBuffer()
    {
        var taken = Buffer;
        Buffer = ArrayPool<byte>.Shared.Rent(BufferBytes);
        return taken;
    }

    /// <summary>Has the loop look at a connection soon. From any thread.</summary>
    public void Post(EngineConnection connection)
    {
        _posted.Enqueue(connection);
        WakeUp();
    }

    /// <summary>Runs something on the loop's thread. From any thread.</summary>
    public void Post(Action work)
    {
        _work.Enqueue(work);
        WakeUp();
    }

    /// <summary>Goes on with a connection on the loop's thread. From any thread. A bug ends that connection.</summary>
    public void Post(EngineConnection connection, Action work) => Post(() =>
    {
        try
        {
            work();
        }
        catch (Exception exception)
        {
            Log.Failed(_logger, exception);
            connection.Abort();
        }

        _batch.SendIfFull();
    });

    /// <summary>Has the loop's thread stand still at the end of a turn, when all that it sent has left. What was posted meanwhile comes before what the system reports then.</summary>
    /// <param name="halted">Is signalled when it does.</param>
    /// <param name="goOn">Ends it.</param>
    public void Halt(CountdownEvent halted, ManualResetEventSlim goOn) => Post(() =>
    {
        _batch.Send();
        halted.Signal();
        goOn.Wait();
        while (_work.TryDequeue(out var work))
        {
            work();
        }
    });

    public bool TryWatch(int descriptor, EpollEvents events, ulong token) => _epoll.TryAdd(descriptor, events, token);

    public void Watch(int descriptor, EpollEvents events, ulong token) => _epoll.Modify(descriptor, events, token);

    /// <summary>Takes a connection in, and gives it its <see cref="EngineSocket.Token"/>.</summary>
    public void Enter(EngineConnection connection)
    {
        if (!_free.TryPop(out var slot))
        {
            slot = _used++;
            if (slot == _connections.Length)
            {
                Array.Resize(ref _connections, _connections.Length * 2);
            }
        }

        _generation = Math.Max(1, _generation + 1);
        connection.Token = (FirstConnection * _generation) | slot;
        _connections[slot] = connection;
    }

    /// <summary>Its events are nobody's from now on. Before its descriptor is closed.</summary>
    public void Release(EngineConnection connection)
    {
        var slot = (uint)connection.Token;
        _connections[slot] = null;
        _free.Push(slot);
    }

    /// <summary>The same for a descriptor that stays open.</summary>
    public void Forget(EngineConnection connection, int descriptor)
    {
        _epoll.Remove(descriptor);
        Release(connection);
    }

    public void Listen(EngineAcceptor acceptor)
    {
        _acceptors.Add(acceptor);
        _epoll.TryAdd(acceptor.Descriptor, EpollEvents.Readable, (ulong)_acceptors.Count);
    }

    public void Unlisten(EngineAcceptor acceptor)
    {
        // It may never have been listened to.
        if (_acceptors.IndexOf(acceptor) is >= 0 and var place)
        {
            _epoll.Remove(acceptor.Descriptor);
            _acceptors[place] = null;
        }
    }

    /// <summary>Listens, or not for a while: a level-triggered socket that cannot be accepted from would keep the loop busy.</summary>
    public void Arm(EngineAcceptor acceptor, bool isArmed) => _epoll.Modify(
        acceptor.Descriptor, isArmed ? EpollEvents.Readable : EpollEvents.None, (ulong)(_acceptors.IndexOf(acceptor) + 1));

    /// <summary>Ends the thread; what is still open is reset.</summary>
    public void Dispose()
    {
        _isStopping = true;
        WakeUp();
        _thread.Join();
        _epoll.Dispose();
        Descriptors.Close(_wakeUp);
    }

    /// <summary>Handles events of a connection. A bug ends that connection and not all of the loop's.</summary>
    public void Handle(EngineConnection connection, EpollEvents events)
    {
        try
        {
            if (events == EpollEvents.None)
            {
                connection.OnPosted();
            }
            else
            {
                connection.OnEvents(events);
            }
        }
        catch (Exception exception)
        {
            Log.Failed(_logger, exception);
            connection.Abort();
        }

        _batch.SendIfFull();
    }

    private void WakeUp()
    {
        if (Interlocked.Exchange(ref _isAwake, 1) == 0)
        {
            Descriptors.Signal(_wakeUp);
        }
    }

    private void Run()
    {
        _batch.Begin();
        while (!_isStopping)
        {
            // Whoever posts after this wakes the loop; what was posted before it is seen here.
            Interlocked.Exchange(ref _isAwake, 0);
            var isIdle = _posted.IsEmpty && _work.IsEmpty;
            var timeout = Timeout();
            var count = _epoll.Wait(isIdle ? timeout : 0);
            Interlocked.Exchange(ref _isAwake, 1);
            var started = _time.GetTimestamp();
            for (var i = 0; i < count; i++)
            {
                Dispatch(_epoll.DataAt(i), _epoll.EventsAt(i));
            }

            // Whoever asked for attention may want to close what this is sent on.
            _batch.Send();
            RunPosted();
            _batch.Send();
            _statistics.TurnEnded(_time.GetElapsedTime(started));
        }

        foreach (var connection in _connections)
        {
            connection?.Finish(isReset: true);
        }
    }

    private int Timeout()
    {
        var timeout = NeverTimeout;
        foreach (var acceptor in _acceptors)
        {
            if (acceptor is { IsArmed: false })
            {
                acceptor.TryArm();
                timeout = EngineAcceptor.PauseMilliseconds;
            }
        }

        return timeout;
    }

    private void Dispatch(ulong token, EpollEvents events)
    {
        if (token >= FirstConnection)
        {
            if (_connections[(uint)token] is { } connection && connection.Token == token)
            {
                Handle(connection, events);
            }
        }
        else if (token == 0)
        {
            Descriptors.Clear(_wakeUp);
        }
        else
        {
            _acceptors[(int)token - 1]?.OnReadable();
        }
    }

    // What is posted meanwhile waits for the next turn.
    private void RunPosted()
    {
        for (var left = _work.Count; left > 0 && _work.TryDequeue(out var work); left--)
        {
            work();
        }

        for (var left = _posted.Count; left > 0 && _posted.TryDequeue(out var connection); left--)
        {
            Handle(connection, EpollEvents.None);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "A connection was reset because of a bug in relayd")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
