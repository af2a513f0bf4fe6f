using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// One WebSocket on a connection, whoever is at its other end. It has no loop of its own: the connection tells it what
/// came, and senders send from where they are. The first reason to close wins.
/// </summary>
internal sealed partial class Session : IConnectionHandler
{
    private const int HasSentClose = 1;
    private const int HasReadClose = 2;
    private static readonly TimeSpan OneSecond = TimeSpan.FromSeconds(1);

    // Fixed after construction.
    private readonly Connection _connection;
    private readonly SessionServices _services;
    private readonly SessionTable _table;
    private readonly FrameSender _sender;

    // Reading side only.
    private FrameReader _reader;
    private TokenBucket _bytes;

    // Atomic.
    private int _closeReason;
    private int _registrations;
    private int _ends;
    private long _lastReceived;

    // Written by whoever closes first, before the queue is completed; read by the one who sends after that.
    private (ushort Code, string Text) _closeFrame;

    public Session(long id, IpKey address, IpKey key, Connection connection, ISessionHandler handler, SessionTable table, SessionServices services)
    {
        Id = id;
        Address = address;
        Key = key;
        ConnectedAt = LastMessage = LastPing = UnregisteredSince = _lastReceived = services.Time.GetTimestamp();
        _connection = connection;
        Handler = handler;
        _table = table;
        _services = services;
        _sender = new FrameSender(this, connection, services);
        _reader = new FrameReader(FrameRole.Server, services.Options.MaxMessageBytes);
    }

    public long Id { get; }

    /// <summary>The client's whole address.</summary>
    public IpKey Address { get; }

    /// <summary>The key that the socket's address counts by.</summary>
    public IpKey Key { get; }

    public long ConnectedAt { get; }

    /// <summary>Whose session it is: the clients have one handler, each peer server one of its own.</summary>
    public ISessionHandler Handler { get; }

    /// <summary>Why the session ended or is ending.</summary>
    public CloseReason CloseReason => (CloseReason)Volatile.Read(ref _closeReason);

    public bool IsClosing => CloseReason != CloseReason.None;

    /// <summary>What the handler keeps with the session; set in OnOpened, before any message.</summary>
    public object? State { get; set; }

    /// <summary>When the message that is being received began, or 0. Reading side writes, sweep reads.</summary>
    public long MessageStarted;

    // The reading side writes the first two, the one who sends the others; anybody reads.
    public long MessagesReceived;
    public long BytesReceived;
    public long MessagesSent;
    public long BytesSent;

    /// <summary>When the last whole message came, at first the moment of connecting. Reading side writes, anybody reads.</summary>
    public long LastMessage;

    /// <summary>When bytes last came, pongs included.</summary>
    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>When the write that is under way began, or 0.</summary>
    public long WriteStarted => _sender.Started;

    /// <summary>What waits to be sent.</summary>
    public (int Messages, long Bytes) Queued => _sender.Waiting;

    /// <summary>Sweep only.</summary>
    public long LastPing { get; set; }

    /// <summary>Cancelled when the connection is gone, also while nobody reads from it.</summary>
    public CancellationToken ConnectionClosed => _connection.Closed;

    /// <summary>True while the socket is registered as something.</summary>
    public bool IsRegistered => Volatile.Read(ref _registrations) > 0;

    /// <summary>Since when the socket is registered as nothing.</summary>
    public long UnregisteredSince { get; private set; }

    /// <summary>A feature has registered the socket as something; <see cref="RemoveRegistration"/> takes that back.</summary>
    public void AddRegistration() => Interlocked.Increment(ref _registrations);

    public void RemoveRegistration()
    {
        UnregisteredSince = _services.Time.GetTimestamp();
        Interlocked.Decrement(ref _registrations);
    }

    /// <summary>
    /// Sends a message, or queues it; never blocks. A full queue closes this session, the slow receiver, and nobody else. The
    /// message is the session's from here on.
    /// </summary>
    public void Send(in EncodedMessage message)
    {
        var result = _sender.Send(message, droppable: false);
        if (result == EnqueueResult.Queued)
        {
            return;
        }

        message.Return();
        if (result == EnqueueResult.Full)
        {
            Close(CloseReason.SlowConsumer);
        }
    }

    /// <summary>
    /// The same with a message that may be lost, which never closes the session. False: it was dropped. The message is the
    /// session's from here on.
    /// </summary>
    public bool TrySend(in EncodedMessage message)
    {
        if (_sender.Send(message, droppable: true) == EnqueueResult.Queued)
        {
            return true;
        }

        message.Return();
        return false;
    }

    /// <summary>Sends a ping unless something is being sent.</summary>
    public void TryPing() => _sender.TryPing();

    /// <summary>Begins to close: what is queued goes out first (unless the reason drops it), then the close frame. Does not wait.</summary>
    public void Close(CloseReason reason)
    {
        var definition = CloseReasons.Of(reason);
        Close(reason, definition.Code, definition.Text);
    }

    /// <summary>The same with a frame of the operator's choice.</summary>
    public void Disconnect(ushort code, string text) => Close(CloseReason.Disconnected, code, text);

    /// <summary>The close frame, once the session is closing; code 0: none.</summary>
    public (ushort Code, string Text) CloseFrame => _closeFrame;

    /// <summary>Cuts the connection at once, without a close frame.</summary>
    public void Abort(CloseReason reason)
    {
        Close(reason);
        _connection.Abort();
    }

    /// <summary>The one who sends: a message is on its way.</summary>
    public void CountSent(int bytes)
    {
        MessagesSent++;
        BytesSent += bytes;
    }

    /// <summary>The one who sends: nothing more goes out.</summary>
    public void OnCloseSent() => End(HasSentClose);

    void IConnectionHandler.OnOpened()
    {
        _table.Add(this);
        Handler.OnOpened(this);
    }

    void IConnectionHandler.OnSent() => _sender.OnSent();

    void IConnectionHandler.OnClosed()
    {
        Close(CloseReason.PeerGone);
        _sender.Complete(drop: true);
        _reader.Dispose();
        _table.Remove(this);
        Handler.OnClosed(this);
    }

    ValueTask<bool> IConnectionHandler.OnBytesAsync(Memory<byte> bytes)
    {
        var options = _services.Options;
        Volatile.Write(ref _lastReceived, _services.Time.GetTimestamp());
        var pause = _bytes.Take(
            bytes.Length, options.BytesBurst, options.BytesBurst / (double)options.BytesPerSecond * OneSecond, _services.Time);
        while (true)
        {
            var goesOn = Step(ref bytes, out var handling);
            if (handling is { } task)
            {
                return FinishAsync(task, bytes, pause);
            }

            if (bytes.IsEmpty || !goesOn)
            {
                _reader.Release();
                return goesOn && pause > TimeSpan.Zero ? PauseAsync(pause) : ValueTask.FromResult(goesOn);
            }
        }
    }

    // The rest of OnBytesAsync when something has to be waited for.
    private async ValueTask<bool> FinishAsync(ValueTask handling, Memory<byte> bytes, TimeSpan pause)
    {
        var goesOn = true;
        for (ValueTask? next = handling; next is not null || (goesOn && !bytes.IsEmpty);)
        {
            if (next is { } task)
            {
                try
                {
                    await task;
                }
                catch (Exception exception)
                {
                    Fail(exception);
                }

                await _sender.RoomAsync();
            }

            goesOn = Step(ref bytes, out next);
        }

        _reader.Release();
        return goesOn && pause > TimeSpan.Zero ? await PauseAsync(pause) : goesOn;
    }

    private async ValueTask<bool> PauseAsync(TimeSpan pause)
    {
        await Task.Delay(pause, _services.Time);
        return true;
    }

    // One message or control frame. False: the peer says no more. What has to be waited for before the next comes out.
    private bool Step(ref Memory<byte> bytes, out ValueTask? handling)
    {
        handling = null;
        var fed = bytes;
        var found = _reader.Read(bytes.Span, out var consumed);
        bytes = bytes[consumed..];
        switch (found.Kind)
        {
            case FrameEventKind.Text or FrameEventKind.Binary:
                var task = Handle(found.AsMemory(fed));
                if (!task.IsCompletedSuccessfully || !_sender.RoomAsync().IsCompleted)
                {
                    handling = task;
                }

                break;
            case FrameEventKind.Ping:
                if (_sender.Pong(found.Payload) == EnqueueResult.Full)
                {
                    Close(CloseReason.SlowConsumer);
                }
                else if (!_sender.RoomAsync().IsCompleted)
                {
                    handling = ValueTask.CompletedTask;
                }

                break;
            case FrameEventKind.Close:
                // The peer's own code and text go back to it (RFC 6455 section 5.5.1).
                Close(CloseReason.PeerClosed, found.CloseCode, System.Text.Encoding.UTF8.GetString(found.Payload));
                End(HasReadClose);
                return false;
            case FrameEventKind.Error:
                Close(
                    found.Error == FrameError.MessageTooBig ? CloseReason.MessageTooBig : CloseReason.ProtocolError, found.CloseCode, "");
                break;
        }

        Volatile.Write(ref MessageStarted, !_reader.IsMidMessage ? 0 : MessageStarted != 0 ? MessageStarted : LastReceived);
        return true;
    }

    private ValueTask Handle(ReadOnlyMemory<byte> message)
    {
        var receivedAt = _services.Time.GetTimestamp();
        Volatile.Write(ref LastMessage, receivedAt);
        MessagesReceived++;
        BytesReceived += message.Length;
        try
        {
            return IsClosing ? ValueTask.CompletedTask : Handler.OnMessageAsync(this, message, receivedAt);
        }
        catch (Exception exception)
        {
            Fail(exception);
            return ValueTask.CompletedTask;
        }
    }

    private void Fail(Exception exception)
    {
        Log.Failed(_services.Logger, exception, Id);
        Close(CloseReason.InternalError);
    }

    private void Close(CloseReason reason, ushort code, string text)
    {
        if (Interlocked.CompareExchange(ref _closeReason, (int)reason, (int)CloseReason.None) != (int)CloseReason.None)
        {
            return;
        }

        _closeFrame = (code, text);
        if (reason is CloseReason.PeerGone or CloseReason.WriteTimeout)
        {
            _connection.Abort();
        }
        else
        {
            _connection.CloseSoon();
        }

        _sender.Complete(CloseReasons.Of(reason).DropsQueue);
    }

    // When both sides are done the connection ends; else its grace does it.
    private void End(int side)
    {
        if ((Interlocked.Or(ref _ends, side) | side) == (HasSentClose | HasReadClose))
        {
            _connection.Close();
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Session {Id} ended by a bug in relayd")]
        public static partial void Failed(ILogger logger, Exception exception, long id);
    }
}
