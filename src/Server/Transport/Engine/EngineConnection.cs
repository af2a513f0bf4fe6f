using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A connection that one loop of the engine owns for its life: only that loop reads, calls the handler and closes the
/// descriptor. Anybody may send, close and abort, under the connection's monitor.
/// </summary>
internal sealed partial class EngineConnection : EngineSocket
{
    // What a peer may still send when nobody listens to it any more.
    private const int MaxIgnoredBytes = 64 * 1024;

    // The loop's thread only.
    private IConnectionHandler? _handler;
    private PausedRead? _paused;
    private int _ignored;
    private Reading _reading;
    private bool _isReadDue;

    public EngineConnection(EngineLoop loop, EngineListener listener, int descriptor, IpKey peer, ConnectionTable table)
        : base(loop, descriptor, table) => (Listener, Key) = (listener, peer);

    public EngineListener Listener { get; }

    public override ClientAddressRule ClientAddress => Listener.ClientAddress;

    public override System.Net.EndPoint LocalEndPoint => Listener.EndPoint;

    /// <summary>True once its PROXY header was taken, or the absence of one was found to be right.</summary>
    public bool IsPastProxyHeader { get; set; }

    public override int BufferBytes => RestBytes + (Volatile.Read(ref _paused)?.Bytes ?? 0);

    private bool IsReading => _reading is not (Reading.Request or Reading.Paused);

    /// <summary>The loop: upgraded, as the answer tells the client.</summary>
    /// <param name="isMore">The first frames have come with the request.</param>
    public void Open(IConnectionHandler handler, ReadOnlyMemory<byte> answer, bool isMore)
    {
        _handler = handler;
        _reading = Reading.Messages;
        SendFirst(answer);
        handler.OnOpened();
        if (isMore || IsPeerFinished)
        {
            ReceiveSoon();
        }
    }

    /// <summary>The loop: what has come of its request is being thought about elsewhere.</summary>
    public void Pause() => _reading = Reading.Paused;

    /// <summary>The loop: an answer without an upgrade, and the end.</summary>
    public void Answer(ReadOnlyMemory<byte> answer)
    {
        SendFirst(answer);
        CloseSoon();
        Close();
    }

    /// <summary>The loop: what has come of the request. It stays unread.</summary>
    public int Look(Span<byte> buffer) => Sockets.Look(Descriptor, buffer);

    /// <summary>The loop: takes bytes that were looked at.</summary>
    public void Take(Span<byte> bytes) => Sockets.Receive(Descriptor, bytes);

    /// <summary>The loop: events of its descriptor.</summary>
    public void OnEvents(EpollEvents events)
    {
        IsPeerFinished |= (events & (EpollEvents.PeerFinished | EpollEvents.HungUp | EpollEvents.Failed)) != 0;
        if (_reading == Reading.Request)
        {
            Loop.Handshakes.Continue(this, IsPeerFinished);
            return;
        }

        if ((events & EpollEvents.Writable) != 0)
        {
            OnWritable();
        }

        if (IsReading && events != EpollEvents.Writable)
        {
            Receive();
        }
        else if ((events & (EpollEvents.HungUp | EpollEvents.Failed)) != 0)
        {
            Finish(isReset: false);
        }
        else
        {
            ReportEnd();
        }
    }

    /// <summary>The loop: somebody asked for its attention.</summary>
    public void OnPosted()
    {
        if (Token == 0)
        {
            return;
        }

        var ending = TakePosted();
        if (_paused is { IsDone: true } paused)
        {
            _paused = null;
            Resume(paused);
        }

        if (ending == Ending.Reset)
        {
            Finish(isReset: true);
        }
        else if (ending == Ending.InOrder)
        {
            FinishInOrder();
        }
        else if (_isReadDue && IsReading && !IsSocketClosed)
        {
            _isReadDue = false;
            Receive();
        }
        else
        {
            ReportEnd();
        }
    }

    /// <summary>The loop: gives the descriptor away; the connection is over as far as the engine is concerned. -1: it is closed.</summary>
    public int Detach()
    {
        var descriptor = TakeDescriptor(out _);
        if (descriptor >= 0)
        {
            Loop.Forget(this, descriptor);
            CancelClosed();
        }

        return descriptor;
    }

    /// <summary>Its successor has all that it had; see <see cref="Detach"/>.</summary>
    public void Retire() => OnSocketClosed();

    /// <summary>The loop: closes the descriptor, and tells everybody. Nothing happens the second time.</summary>
    public void Finish(bool isReset)
    {
        if (!isReset)
        {
            SendBatchedNow();
        }

        var descriptor = TakeDescriptor(out var isUnsent);
        if (descriptor < 0)
        {
            return;
        }

        Loop.Release(this);
        Sockets.Close(descriptor, isReset);
        if (!IsPastProxyHeader)
        {
            Loop.Handshakes.OnEnded(this);
        }

        OnSocketClosed();
        CancelClosed();
        if (isUnsent)
        {
            _handler?.OnSent();
        }

        if (_paused is null)
        {
            _handler?.OnClosed();
        }
    }

    protected override void OnSent() => _handler!.OnSent();

    // A new socket takes it all, unless the system has no memory left for it.
    private void SendFirst(ReadOnlyMemory<byte> answer)
    {
        if (!Send(answer))
        {
            Abort();
        }
    }

    // One call; what is left is the next turn's.
    private void Receive()
    {
        var buffer = Loop.Buffer;
        var received = Sockets.Receive(Descriptor, buffer);
        if (received == -Errno.TryAgain)
        {
            return;
        }

        if (received <= 0)
        {
            OnEndOfStream(received);
        }
        else if (_reading == Reading.Messages)
        {
            var handled = _handler!.OnBytesAsync(buffer.AsMemory(0, received));
            if (!handled.IsCompleted)
            {
                _reading = Reading.Paused;
                _paused = new PausedRead(this, handled, Loop.TakeBuffer());
                ReportEnd();
                return;
            }

            OnHandled(handled.GetAwaiter().GetResult());
        }
        else if ((_ignored += received) > MaxIgnoredBytes)
        {
            Finish(isReset: true);
            return;
        }

        if (received == buffer.Length || IsPeerFinished)
        {
            ReceiveSoon();
        }
    }

    private void ReceiveSoon()
    {
        _isReadDue = true;
        Post();
    }

    // Whoever works on what has come may want to know that nothing more comes.
    private void ReportEnd()
    {
        if (_reading == Reading.Paused && IsPeerFinished)
        {
            CancelClosed();
        }
    }

    // While something may still be sent, the end of what the peer sends is not the end of the connection.
    private void OnEndOfStream(int error)
    {
        if (_reading == Reading.Ignored && error == 0)
        {
            _reading = Reading.Paused;
        }
        else
        {
            Finish(isReset: false);
        }
    }

    private void OnHandled(bool goesOn) => _reading = goesOn ? Reading.Messages : Reading.Ignored;

    private void Resume(PausedRead paused)
    {
        bool goesOn;
        try
        {
            goesOn = paused.Finish();
        }
        finally
        {
            if (IsSocketClosed)
            {
                _handler!.OnClosed();
            }
        }

        if (!IsSocketClosed)
        {
            OnHandled(goesOn);
            ReceiveSoon();
        }
    }

    // A close with unread bytes would be a reset, which destroys what the peer has not read yet.
    private void FinishInOrder()
    {
        if (_reading != Reading.Lingering && !IsSocketClosed && Sockets.Receive(Descriptor, Loop.Buffer) > 0)
        {
            Sockets.FinishSending(Descriptor);
            _reading = Reading.Lingering;
            ReceiveSoon();
        }
        else if (_reading != Reading.Lingering)
        {
            Finish(isReset: false);
        }
    }
}
