using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// The sending side of a connection of the engine, and its descriptor. Anybody may send, close and abort, under the object's
/// own monitor, which costs nothing while nobody waits for it. Only the loop closes the descriptor.
/// </summary>
internal abstract partial class EngineSocket(EngineLoop loop, int descriptor, ConnectionTable table) : Connection(table)
{
    // Edges: what was reported once and is still there costs nothing. Whoever reads less than all has to come back by himself.
    private const EpollEvents Incoming = EpollEvents.Readable | EpollEvents.PeerFinished | EpollEvents.EdgeTriggered;

    // Guarded by the monitor; the descriptor, of which -1 means closed, is also read without it.
    private int _descriptor = descriptor;
    private EpollEvents _watched;
    private Ending _ending;
    private bool _isPosted;

    // What is still to be sent, in this order: what is in a batch, what the system did not take of one, what is the caller's.
    private SendBatch? _batch;
    private BatchRest _rest;
    private ReadOnlyMemory<byte> _unsent;
    private CancellationTokenSource? _closed;

    public EngineLoop Loop => loop;

    /// <summary>Where the loop keeps it, and what tells it from others that were kept there.</summary>
    public ulong Token { get; set; }

    protected int Descriptor => _descriptor;

    protected int RestBytes => _rest.Length;

    private bool IsAllSent => _rest.IsEmpty && _unsent.IsEmpty;

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

            if (_isHalted)
            {
                (_isTouched, _unsent) = (true, bytes);
                return false;
            }

            if (TryBatch(bytes.Span))
            {
                return true;
            }

            _unsent = bytes;
            return _batch is null && TrySendWaiting();
        }
    }

    /// <summary>A loop, not always its own: sends what it had in that loop's batch, and what came after it.</summary>
    public void SendBatched(ReadOnlySpan<byte> batched)
    {
        lock (this)
        {
            _batch = null;
            if (_descriptor >= 0)
            {
                SendOrKeep(batched);
            }

            if (!SendWaiting())
            {
                return;
            }
        }

        OnSent();
    }

    /// <summary>The loop: from now on events of the descriptor are reported. False: the system watches no more of them.</summary>
    public bool TryWatch()
    {
        lock (this)
        {
            _watched = IsAllSent ? Incoming : Incoming | EpollEvents.Writable;
            return _descriptor < 0 || loop.TryWatch(_descriptor, _watched, Token);
        }
    }

    public override void Close() => End(Ending.InOrder);

    public override void Abort() => End(Ending.Reset);

    /// <summary>What <see cref="Send"/> has kept is gone.</summary>
    protected abstract void OnSent();

    /// <summary>The loop: what it sent in this turn is not to be lost with it.</summary>
    protected void SendBatchedNow()
    {
        lock (this)
        {
            if (_batch is { } batch && batch == SendBatch.Current)
            {
                _batch = null;
                SendOrKeep(batch.Take(this));
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
            if (!SendWaiting())
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

    /// <summary>The loop: takes the request for attention; how the connection is to end now.</summary>
    protected Ending TakePosted()
    {
        lock (this)
        {
            _isPosted = false;
            return _ending == Ending.InOrder && !(_batch is null && IsAllSent) ? Ending.None : _ending;
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
                _isTouched = true;
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

    // Under the monitor.
    private void SendOrKeep(ReadOnlySpan<byte> batched)
    {
        _rest.Keep(batched[SendNow(batched)..], Memory);
    }

    // Under the monitor: it is time to go on. True: what was the caller's has gone with the rest.
    private bool SendWaiting()
    {
        var isCallers = !_unsent.IsEmpty;
        if (_descriptor < 0 || _batch is not null || !TrySendWaiting())
        {
            return false;
        }

        // Its end has waited for this.
        if (_ending != Ending.None)
        {
            Post();
        }

        return isCallers;
    }

    // Under the monitor. False: the system takes no more, and reports when it does.
    private bool TrySendWaiting()
    {
        if (!_rest.IsEmpty)
        {
            _rest.Remove(SendNow(_rest.Span), Memory);
        }

        if (_rest.IsEmpty && !_unsent.IsEmpty)
        {
            _unsent = _unsent[SendNow(_unsent.Span)..];
        }

        if (IsAllSent)
        {
            return true;
        }

        WatchWritable();
        return false;
    }

    // Under the monitor. False: it has to leave in another way, and what is before it in this thread's batch has left.
    private bool TryBatch(ReadOnlySpan<byte> bytes)
    {
        if (SendBatch.Current is not { } batch || !IsAllSent || (_batch is not null && _batch != batch))
        {
            return false;
        }

        if (batch.TryAppend(this, isFirst: _batch is null, bytes))
        {
            _batch = batch;
            return true;
        }

        SendBatchedNow();
        return false;
    }
}
