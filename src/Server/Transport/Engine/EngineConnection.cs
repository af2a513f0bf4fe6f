using Relay.Addresses;
using Relay.Native;

namespace Relay.Transport.Engine;

/// <summary>
/// A connection that one loop of the engine owns for its life: only that loop reads, calls the handler and closes the
/// descriptor. Anybody may send, close and abort, under the connection's monitor.
/// </summary>
internal sealed class EngineConnection : Connection
{
    // What a peer may still send when nobody listens to it any more.
    private const int MaxIgnoredBytes = 64 * 1024;

    private readonly EngineLoop _loop;

    // The loop's thread only.
    private IConnectionHandler? _handler;
    private PausedRead? _paused;
    private int _ignored;

    // Guarded by the monitor; the descriptor, of which -1 means closed, is also read without it.
    private int _descriptor;
    private ReadOnlyMemory<byte> _unsent;
    private CancellationTokenSource? _closed;
    private EpollEvents _registered;
    private Ending _ending;
    private bool _isOpening;
    private bool _isPosted;
    private bool _isPeerFinished;

    // Written by the loop's thread under the monitor.
    private Reading _reading;

    public EngineConnection(EngineLoop loop, EngineListener listener, int descriptor, IpKey peer, ConnectionTable table)
        : base(table)
    {
        _loop = loop;
        _descriptor = descriptor;
        Listener = listener;
        Peer = peer;
        ClientAddress = listener.ClientAddress;
        _registered = EpollEvents.Readable;
    }

    private enum Ending : byte
    {
        None,

        /// <summary>After what the system has taken.</summary>
        InOrder,

        /// <summary>At once.</summary>
        Reset,
    }

    /// <summary>What is done with bytes that come.</summary>
    private enum Reading : byte
    {
        /// <summary>They are looked at and stay where they are, until a request is whole.</summary>
        Request,

        /// <summary>They go to the handler.</summary>
        Messages,

        /// <summary>They stay where they are while the handler works on those before them.</summary>
        Paused,

        /// <summary>They are dropped: the handler wants no more.</summary>
        Ignored,

        /// <summary>The same, and the peer's end is the connection's: nothing more is sent.</summary>
        Lingering,
    }

    public EngineListener Listener { get; }

    public EngineLoop Loop => _loop;

    public IpKey Peer { get; }

    /// <summary>Where the loop keeps it, and what tells it from others that were kept there.</summary>
    public ulong Token { get; set; }

    /// <summary>True once its PROXY header was taken, or the absence of one was found to be right.</summary>
    public bool IsPastProxyHeader { get; set; }

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
                if (_loop.Opening.TryAppend(bytes.Span))
                {
                    return true;
                }

                SendOpening();
            }

            var sent = SendNow(bytes.Span);
            if (sent == bytes.Length)
            {
                return true;
            }

            _unsent = bytes[sent..];
            Register();
            return false;
        }
    }

    public override void Close() => End(Ending.InOrder);

    public override void Abort() => End(Ending.Reset);

    /// <summary>The loop: upgraded. What the handler sends at once goes out together with the answer, which <see cref="EngineLoop.Opening"/> holds.</summary>
    public void Open(IConnectionHandler handler)
    {
        _handler = handler;
        lock (this)
        {
            _isOpening = true;
            _reading = Reading.Messages;
        }

        handler.OnOpened();
        lock (this)
        {
            if (_isOpening)
            {
                SendOpening();
            }

            Register();
        }
    }

    /// <summary>The loop: an answer without an upgrade, which <see cref="EngineLoop.Opening"/> holds, and the end.</summary>
    public void Answer()
    {
        lock (this)
        {
            _isOpening = true;
            SendOpening();
        }

        CloseSoon();
        End(Ending.InOrder);
    }

    /// <summary>The loop: the request is not whole. What there is of it stays unread, so only news are told from now on.</summary>
    public void AwaitMore()
    {
        lock (this)
        {
            Register(EpollEvents.Readable | EpollEvents.PeerFinished | EpollEvents.EdgeTriggered);
        }
    }

    /// <summary>The loop: what has come of the request. It stays unread.</summary>
    public int Look(Span<byte> buffer) => Sockets.Look(_descriptor, buffer);

    /// <summary>The loop: takes bytes that were looked at.</summary>
    public void Take(Span<byte> bytes) => Sockets.Receive(_descriptor, bytes);

    /// <summary>The loop: events of its descriptor.</summary>
    public void OnEvents(EpollEvents events)
    {
        if (_reading == Reading.Request)
        {
            _loop.Handshakes.Continue(this, (events & (EpollEvents.PeerFinished | EpollEvents.HungUp | EpollEvents.Failed)) != 0);
            return;
        }

        if ((events & EpollEvents.Writable) != 0)
        {
            OnWritable();
        }

        if ((events & EpollEvents.Readable) != 0 && (_registered & EpollEvents.Readable) != 0)
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
        Ending ending;
        lock (this)
        {
            _isPosted = false;
            ending = _ending;
        }

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
        int descriptor;
        lock (this)
        {
            (descriptor, _descriptor) = (_descriptor, -1);
        }

        if (descriptor >= 0)
        {
            _loop.Forget(this, descriptor);
        }

        return descriptor;
    }

    /// <summary>Ends when the connection is gone.</summary>
    public Task GoneAsync()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Closed.UnsafeRegister(_ => gone.TrySetResult(), null);
        return gone.Task;
    }

    /// <summary>Its successor has all that it had; see <see cref="Detach"/>.</summary>
    public void Retire() => OnSocketClosed();

    /// <summary>The loop: closes the descriptor, and tells everybody. Nothing happens the second time.</summary>
    public void Finish(bool isReset)
    {
        int descriptor;
        bool isUnsent;
        CancellationTokenSource? closed;
        lock (this)
        {
            (descriptor, _descriptor) = (_descriptor, -1);
            (isUnsent, _unsent) = (!_unsent.IsEmpty, default);
            closed = _closed;
        }

        if (descriptor < 0)
        {
            return;
        }

        _loop.Release(this);
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
            _loop.Handshakes.OnEnded(this);
        }

        OnSocketClosed();
        if (closed is not null)
        {
            // Whoever waits for it goes on elsewhere.
            _ = closed.CancelAsync();
        }

        if (isUnsent)
        {
            _handler?.OnSent();
        }

        if (_paused is null)
        {
            _handler?.OnClosed();
        }
    }

    private void OnReadable()
    {
        var buffer = _loop.Buffer;
        var received = Sockets.Receive(_descriptor, buffer);
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
                _paused = new PausedRead(this, handled, _loop.TakeBuffer());
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

    private void OnWritable()
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

        _handler!.OnSent();
    }

    // The peer sends no more, which whoever works for it now may want to know.
    private void OnPeerFinished()
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

    // A close with unread bytes would be a reset, which destroys what the peer has not read yet.
    private void FinishInOrder()
    {
        if (_reading != Reading.Lingering && !IsSocketClosed && Sockets.Receive(_descriptor, _loop.Buffer) > 0)
        {
            Sockets.FinishSending(_descriptor);
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
            if (_descriptor >= 0)
            {
                Register();
            }
        }
    }

    private void End(Ending ending)
    {
        lock (this)
        {
            if (_descriptor < 0 || _ending >= ending)
            {
                return;
            }

            _ending = ending;
            Post();
        }
    }

    private void OnPausedReadDone()
    {
        lock (this)
        {
            Post();
        }
    }

    // Under the monitor.
    private void Post()
    {
        if (!_isPosted)
        {
            _isPosted = true;
            _loop.Post(this);
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
        var bytes = _loop.Opening.Take();
        if (SendNow(bytes) < bytes.Length)
        {
            End(Ending.Reset);
        }
    }

    // Under the monitor.
    private void Register()
    {
        if (_descriptor < 0 || _reading == Reading.Request)
        {
            return;
        }

        var events = _reading != Reading.Paused ? EpollEvents.Readable
            : _closed is not null && !_isPeerFinished ? EpollEvents.PeerFinished
            : EpollEvents.None;
        Register(_unsent.IsEmpty ? events : events | EpollEvents.Writable);
    }

    // Under the monitor.
    private void Register(EpollEvents events)
    {
        if (_registered != events)
        {
            _registered = events;
            _loop.Watch(_descriptor, events, Token);
        }
    }

    /// <summary>Bytes that a handler is not done with, and the buffer they are in.</summary>
    private sealed class PausedRead
    {
        private readonly EngineConnection _connection;
        private readonly byte[] _buffer;
        private readonly System.Runtime.CompilerServices.ValueTaskAwaiter<bool> _handled;
        private volatile bool _isDone;

        public PausedRead(EngineConnection connection, ValueTask<bool> handled, byte[] buffer)
        {
            _connection = connection;
            _buffer = buffer;
            _handled = handled.GetAwaiter();
            _handled.UnsafeOnCompleted(OnDone);
        }

        public bool IsDone => _isDone;

        public bool Finish()
        {
            EngineLoop.ReturnBuffer(_buffer);
            return _handled.GetResult();
        }

        private void OnDone()
        {
            _isDone = true;
            _connection.OnPausedReadDone();
        }
    }
}
