using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// The sending side of a connection of the engine, and its descriptor. Anybody may send, close and abort, under the object's
/// own monitor, which costs nothing while nobody waits for it. Only the loop closes the descriptor.
/// </summary>
internal abstract class EngineSocket(EngineLoop loop, int descriptor, ConnectionTable table) : Connection(table)
{
    // Edges: what was reported once and is still there costs nothing. Whoever reads less than all has to come back by himself.
    private const EpollEvents Incoming = EpollEvents.Readable | EpollEvents.PeerFinished | EpollEvents.EdgeTriggered;

    // Guarded by the monitor; the descriptor, of which -1 means closed, is also read without it.
    private int _descriptor = descriptor;
    private ReadOnlyMemory<byte> _unsent;
    private EpollEvents _watched;
    private Ending _ending;
    private bool _isOpening;
    private bool _isPosted;
    private CancellationTokenSource? _closed;

    protected enum Ending : byte
    {
        None,

        /// <summary>After what the system has taken.</summary>
        InOrder,

        /// <summary>At once.</summary>
        Reset,
    }

    public EngineLoop Loop => loop;

    /// <summary>Where the loop keeps it, and what tells it from others that were kept there.</summary>
    public ulong Token { get; set; }

    protected int Descriptor => _descriptor;

    public override CancellationToken Closed
    {
        get
        {
            lock (this)
            {
                if (_descriptor < 0 && _closed is null)
                {
                    return new CancellationToken(canceled: true);
                }

                if (_closed is null)
                {
                    // The peer may have sent its last already.
                    Post();
                }

                _closed ??= new CancellationTokenSource();
                return _closed.Token;
            }
        }
    }

    /// <summary>The loop: the peer sends no more than what has come.</summary>
    protected bool IsPeerFinished { get; set; }

    protected override bool IsSocketClosed => Volatile.Read(ref _descriptor) < 0;

    public override bool Send(ReadOnlyMemory<byte> bytes)
    {
        lock (this)
        {
            if (_descriptor < 0 || _ending != Ending.None)
            {
                return true;
            }

            if (_isOpening)
            {
                if (loop.Opening.TryAppend(bytes.Span))
                {
                    return true;
                }

                SendOpening();
            }

            _unsent = bytes[SendNow(bytes.Span)..];
            if (_unsent.IsEmpty)
            {
                return true;
            }

            WatchWritable();
            return false;
        }
    }

    /// <summary>The loop: from now on events of the descriptor are reported. False: the system watches no more of them.</summary>
    public bool TryWatch()
    {
        lock (this)
        {
            _watched = _unsent.IsEmpty ? Incoming : Incoming | EpollEvents.Writable;
            return _descriptor < 0 || loop.TryWatch(_descriptor, _watched, Token);
        }
    }

    public override void Close() => End(Ending.InOrder);

    public override void Abort() => End(Ending.Reset);

    /// <summary>What <see cref="Send"/> has kept is gone.</summary>
    protected abstract void OnSent();

    /// <summary>From now on what is sent is collected in <see cref="EngineLoop.Opening"/>.</summary>
    protected void BeginOpening()
    {
        lock (this)
        {
            _isOpening = true;
        }
    }

    /// <summary>Sends what was collected, in one call.</summary>
    protected void EndOpening()
    {
        lock (this)
        {
            if (_isOpening)
            {
                SendOpening();
            }
        }
    }

    /// <summary>The loop: the connection is gone, or as good as that. Whoever waits for it goes on elsewhere.</summary>
    protected void CancelClosed()
    {
        lock (this)
        {
            _ = _closed?.CancelAsync();
        }
    }

    /// <summary>The loop: the system takes more.</summary>
    protected void OnWritable()
    {
        lock (this)
        {
            if (_descriptor < 0 || _unsent.IsEmpty)
            {
                return;
            }

            _unsent = _unsent[SendNow(_unsent.Span)..];
            if (!_unsent.IsEmpty)
            {
                return;
            }
        }

        OnSent();
    }

    /// <summary>Has the loop look at the connection soon. From any thread.</summary>
    public void Post()
    {
        lock (this)
        {
            if (!_isPosted)
            {
                _isPosted = true;
                loop.Post((EngineConnection)this);
            }
        }
    }

    /// <summary>The loop: takes the request for attention; how the connection is to end.</summary>
    protected Ending TakePosted()
    {
        lock (this)
        {
            _isPosted = false;
            return _ending;
        }
    }

    /// <summary>The loop: the descriptor, which is its own from now on; -1: it has been taken.</summary>
    protected int TakeDescriptor(out bool isUnsent)
    {
        lock (this)
        {
            (isUnsent, _unsent) = (!_unsent.IsEmpty, default);
            var taken = _descriptor;
            Volatile.Write(ref _descriptor, -1);
            return taken;
        }
    }

    // Under the monitor. Once watched it stays so: it is an edge.
    private void WatchWritable()
    {
        if (_watched == Incoming)
        {
            _watched |= EpollEvents.Writable;
            loop.Watch(_descriptor, _watched, Token);
        }
    }

    private void End(Ending ending)
    {
        lock (this)
        {
            if (_descriptor >= 0 && _ending < ending)
            {
                _ending = ending;
                Post();
            }
        }
    }

    // Under the monitor. How many bytes are done with: all when nothing can be sent any more.
    private int SendNow(ReadOnlySpan<byte> bytes)
    {
        var sent = Sockets.Send(_descriptor, bytes);
        if (sent >= 0 || sent == -Errno.TryAgain)
        {
            return Math.Max(sent, 0);
        }

        End(Ending.Reset);
        return bytes.Length;
    }

    // Under the monitor. A new socket takes a kilobyte or two at once unless the system has no memory left for it.
    private void SendOpening()
    {
        _isOpening = false;
        var bytes = loop.Opening.Take();
        if (SendNow(bytes) < bytes.Length)
        {
            End(Ending.Reset);
        }
    }
}
