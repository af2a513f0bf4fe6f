using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A connection that one loop of the engine owns for its life: only that loop reads, calls the handler and closes the
/// descriptor. Anybody may send, close and abort, under the connection's monitor.
/// </summary>
internal sealed class EngineConnection : EngineSocket
{
    // What a peer may still send when nobody listens to it any more.
    private const int MaxIgnoredBytes = 64 * 1024;

    // The loop's thread only.
    private IConnectionHandler? _handler;
    private PausedRead? _paused;
    private int _ignored;

    // Written by the loop's thread under the monitor.
    private Reading _reading;

    public EngineConnection(EngineLoop loop, EngineListener listener, int descriptor, IpKey peer, ConnectionTable table)
        : base(loop, descriptor, table)
    {
        Listener = listener;
        Peer = peer;
        ClientAddress = listener.ClientAddress;
    }

    public EngineListener Listener { get; }

    public IpKey Peer { get; }

    /// <summary>True once its PROXY header was taken, or the absence of one was found to be right.</summary>
    public bool IsPastProxyHeader { get; set; }

    protected override EpollEvents Interest => _reading switch
    {
        Reading.MoreOfRequest => EpollEvents.Readable | EpollEvents.PeerFinished | EpollEvents.EdgeTriggered,
        Reading.Paused when IsEndWatched => EpollEvents.PeerFinished,
        Reading.Paused => EpollEvents.None,
        _ => EpollEvents.Readable,
    };

    /// <summary>The loop: upgraded. What the handler sends at once goes out together with the answer, which <see cref="EngineLoop.Opening"/> holds.</summary>
    public void Open(IConnectionHandler handler)
    {
        _handler = handler;
        BeginOpening();
        Read(Reading.Messages);
        handler.OnOpened();
        EndOpening();
    }

    /// <summary>The loop: an answer without an upgrade, which <see cref="EngineLoop.Opening"/> holds, and the end.</summary>
    public void Answer()
    {
        BeginOpening();
        EndOpening();
        CloseSoon();
        Close();
    }

    /// <summary>The loop: the request is not whole. What there is of it stays unread, so only new bytes are reported from now on.</summary>
    public void AwaitMore() => Read(Reading.MoreOfRequest);

    /// <summary>The loop: what has come of the request. It stays unread.</summary>
    public int Look(Span<byte> buffer) => Sockets.Look(Descriptor, buffer);

    /// <summary>The loop: takes bytes that were looked at.</summary>
    public void Take(Span<byte> bytes) => Sockets.Receive(Descriptor, bytes);

    /// <summary>The loop: events of its descriptor.</summary>
    public void OnEvents(EpollEvents events)
    {
        if (_reading <= Reading.MoreOfRequest)
        {
            Loop.Handshakes.Continue(this, (events & (EpollEvents.PeerFinished | EpollEvents.HungUp | EpollEvents.Failed)) != 0);
            return;
        }

        if ((events & EpollEvents.Writable) != 0)
        {
            OnWritable();
        }

        if ((events & EpollEvents.Readable) != 0 && (Interest & EpollEvents.Readable) != 0)
        {
            OnReadable();
        }
        else if ((events & (EpollEvents.HungUp | EpollEvents.Failed)) != 0)
        {
            Finish(isReset: false);
        }
        else if ((events & EpollEvents.PeerFinished) != 0)
        {
            OnPeerFinished();
        }
    }

    /// <summary>The loop: somebody asked for its attention.</summary>
    public void OnPosted()
    {
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
    }

    /// <summary>The loop: gives the descriptor away; the connection is over as far as the engine is concerned. -1: it is closed.</summary>
    public int Detach()
    {
        var descriptor = TakeDescriptor(out _);
        if (descriptor >= 0)
        {
            Loop.Forget(this, descriptor);
        }

        return descriptor;
    }

    /// <summary>Its successor has all that it had; see <see cref="Detach"/>.</summary>
    public void Retire() => OnSocketClosed();

    /// <summary>The loop: closes the descriptor, and tells everybody. Nothing happens the second time.</summary>
    public void Finish(bool isReset)
    {
        var descriptor = TakeDescriptor(out var isUnsent);
        if (descriptor < 0)
        {
            return;
        }

        Loop.Release(this);
        if (isReset)
        {
            Sockets.Reset(descriptor);
        }
        else
        {
            Descriptors.Close(descriptor);
        }

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

    private void OnReadable()
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
            if (handled.IsCompleted)
            {
                OnHandled(handled.GetAwaiter().GetResult());
            }
            else
            {
                Read(Reading.Paused);
                _paused = new PausedRead(this, handled, Loop.TakeBuffer());
            }
        }
        else if ((_ignored += received) > MaxIgnoredBytes)
        {
            Finish(isReset: true);
        }
    }

    // While something may still be sent, the end of what the peer sends is not the end of the connection.
    private void OnEndOfStream(int error)
    {
        if (_reading == Reading.Ignored && error == 0)
        {
            Read(Reading.Paused);
        }
        else
        {
            Finish(isReset: false);
        }
    }

    private void OnHandled(bool goesOn) => Read(goesOn ? Reading.Messages : Reading.Ignored);

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
        }
    }

    // A close with unread bytes would be a reset, which destroys what the peer has not read yet.
    private void FinishInOrder()
    {
        if (_reading != Reading.Lingering && !IsSocketClosed && Sockets.Receive(Descriptor, Loop.Buffer) > 0)
        {
            Sockets.FinishSending(Descriptor);
            Read(Reading.Lingering);
        }
        else if (_reading != Reading.Lingering)
        {
            Finish(isReset: false);
        }
    }

    private void Read(Reading reading)
    {
        if (_reading == reading)
        {
            return;
        }

        lock (this)
        {
            _reading = reading;
            Register();
        }
    }
}
