using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// The sending side of a connection of the engine, and its descriptor. Anybody may send, close and abort, under the object's
/// own monitor, which costs nothing while nobody waits for it. Only the loop closes the descriptor.
/// </summary>
internal abstract class EngineSocket(EngineLoop loop, int descriptor, ConnectionTable table) : Connection(table)
{
    // Guarded by the monitor; the descriptor, of which -1 means closed, is also read without it.
    private int _descriptor = descriptor;
    private ReadOnlyMemory<byte> _unsent;
    private EpollEvents _registered = EpollEvents.Readable;
    private Ending _ending;
    private bool _isOpening;
    private bool _isPosted;
    private CancellationTokenSource? _closed;
    private bool _isPeerFinished;

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

    /// <summary>What is waited for beside the moment to send on. Asked under the monitor.</summary>
    protected abstract EpollEvents Interest { get; }

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

                _closed ??= new CancellationTokenSource();
                Register();
                return _closed.Token;
            }
        }
    }

    /// <summary>Under the monitor: somebody waits for the end, and it has not come yet.</summary>
    protected bool IsEndWatched => _closed is not null && !_isPeerFinished;

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

            Register();
            return false;
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

    /// <summary>The loop: the peer sends no more, which whoever works for it now may want to know.</summary>
    protected void OnPeerFinished()
    {
        CancellationTokenSource? closed;
        lock (this)
        {
            _isPeerFinished = true;
            closed = _closed;
            Register();
        }

        _ = closed?.CancelAsync();
    }

    /// <summary>The loop: the connection is gone. Whoever waits for that goes on elsewhere.</summary>
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

            Register();
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

    /// <summary>Under the monitor: <see cref="Interest"/> may have changed.</summary>
    protected void Register()
    {
        var events = _unsent.IsEmpty ? Interest : Interest | EpollEvents.Writable;
        if (_descriptor >= 0 && _registered != events)
        {
            _registered = events;
            loop.Watch(_descriptor, events, Token);
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
