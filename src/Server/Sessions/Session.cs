using Relay.Addresses;
using Relay.Admission;
using Relay.Protocol;
using Relay.RateLimiting;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// One WebSocket on a connection, whoever is at its other end. It has no loop of its own: the connection tells it what
/// came, and senders send from where they are. The first reason to close wins.
/// </summary>
internal sealed partial class Session : MessageSender, IConnectionHandler
{
    private const int HasSentClose = 1;
    private const int HasReadClose = 2;

    private readonly byte _keyLength;

    // Reading side only.
    private FrameReader _reader;
    private TokenBucket _bytes;
    private int _slot = -1;

    // Atomic.
    private Ending? _ending;
    private Registrations _registrations;
    private int _ends;
    private long _lastReceived;
    private bool _isHandling;

    public Session(long id, IpKey address, IpKey key, Connection connection, ISessionHandler handler, SessionServices services)
        : base(connection, services)
    {
        Id = id;
        Address = address;
        _keyLength = (byte)key.PrefixLength;
        ConnectedAt = LastMessage = LastPing = _lastReceived = services.Time.GetTimestamp();
        _registrations = new Registrations(ConnectedAt);
        Handler = handler;
        _reader = new FrameReader(connection.Role, services.Options.MaxMessageBytes, connection.Memory);
    }

    public long Id { get; }

    /// <summary>The client's whole address.</summary>
    public IpKey Address { get; }

    /// <summary>The key that the socket's address counts by: the address, or the network that it is in.</summary>
    public IpKey Key => Address.TruncateIpv6(_keyLength);

    /// <summary>The subject that the client has authenticated as; null: none.</summary>
    public Subject? Subject { get; init; }

    public long ConnectedAt { get; private set; }

    /// <summary>Whose session it is: the clients have one handler, each peer server one of its own.</summary>
    public ISessionHandler Handler { get; }

    /// <summary>How the session ended or is ending; null: it is not.</summary>
    public Ending? Ending => Volatile.Read(ref _ending);

    public CloseReason CloseReason => Ending?.Reason ?? CloseReason.None;

    public bool IsClosing => Ending is not null;

    /// <summary>What the handler keeps with the session; set in OnOpened, before any message.</summary>
    public object? State { get; set; }

    /// <summary>When the message that is being received began, or 0. Reading side writes, sweep reads.</summary>
    public long MessageStarted;

    /// <summary>Counted by the reading side; anybody reads.</summary>
    public long MessagesReceived;
    public long BytesReceived;

    /// <summary>When the last whole message came, at first the moment of connecting. Reading side writes, anybody reads.</summary>
    public long LastMessage;

    /// <summary>When bytes last came, pongs included.</summary>
    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>Whether what the peer said is still being worked on: until then nothing is read from it, so that its silence tells nothing.</summary>
    public bool IsHandling => Volatile.Read(ref _isHandling);

    /// <summary>Sweep only.</summary>
    public long LastPing { get; set; }

    /// <summary>The listener that it came in by.</summary>
    public System.Net.EndPoint? LocalEndPoint => Connection.LocalEndPoint;

    /// <summary>Cancelled when the connection is gone, also while nobody reads from it.</summary>
    public CancellationToken ConnectionClosed => Connection.Closed;

    public bool IsRegistered => _registrations.Any;

    /// <summary>Since when the socket is registered as nothing.</summary>
    public long UnregisteredSince => _registrations.EmptySince;

    /// <summary>A feature has registered the socket as something; <see cref="RemoveRegistration"/> takes that back.</summary>
    public void AddRegistration() => _registrations.Add();

    public void RemoveRegistration() => _registrations.Remove(Services.Time.GetTimestamp());

    /// <summary>Begins to close: what is queued goes out first (unless the reason drops it), then the close frame. Does not wait.</summary>
    public override void Close(CloseReason reason) => Close(Ending.Of(reason));

    /// <summary>The same with a frame of the operator's choice.</summary>
    public void Disconnect(ushort code, string text) => Close(new Ending(CloseReason.Disconnected, code, text));

    /// <summary>Cuts the connection at once, without a close frame.</summary>
    public void Abort(CloseReason reason)
    {
        Close(reason);
        Connection.Abort();
    }

    protected override ReadOnlyMemory<byte> CloseFrame => Ending!.Frame;

    protected override void OnCloseSent() => End(HasSentClose);

    void IConnectionHandler.OnOpened()
    {
        _slot = Services.Table.Add(this);
        Handler.OnOpened(this);
    }

    void IConnectionHandler.OnSent() => Resume();

    void IConnectionHandler.OnClosed()
    {
        Close(CloseReason.PeerGone);
        Complete(drop: true);
        _reader.Dispose();
        Services.Table.Remove(_slot, this);
        Handler.OnClosed(this);
    }

    ValueTask<bool> IConnectionHandler.OnBytesAsync(Memory<byte> bytes)
    {
        var options = Services.Options;
        var now = Services.Time.GetTimestamp();
        Volatile.Write(ref _lastReceived, now);
        var pause = _bytes.Take(bytes.Length, options.BytesBurst, options.BytesRefill, now, Services.Time);
        if (!TryGrow(bytes.Length, out var growing))
        {
            return FinishAsync(growing, new ReadingWait(SessionWait.Memory, default, bytes), bytes, pause);
        }

        while (true)
        {
            var goesOn = Step(ref bytes, out var handling, out var handled);
            if (handling is { } task)
            {
                return FinishAsync(task, new ReadingWait(SessionWait.Handler, handled, bytes), bytes, pause);
            }

            if (bytes.IsEmpty || !goesOn)
            {
                _reader.Release();
                return goesOn && pause > TimeSpan.Zero ? PauseAsync(pause) : ValueTask.FromResult(goesOn);
            }
        }
    }

    // The rest of OnBytesAsync when something has to be waited for.
    private async ValueTask<bool> FinishAsync(ValueTask handling, ReadingWait wait, Memory<byte> bytes, TimeSpan pause)
    {
        var goesOn = true;
        for (ValueTask? next = handling; next is { } task;)
        {
            Volatile.Write(ref _isHandling, true);
            _wait = wait;
            try
            {
                await task;
            }
            catch (Exception exception)
            {
                Fail(exception);
            }

            Volatile.Write(ref _isHandling, false);
            _wait = new ReadingWait(SessionWait.Room, default, bytes);
            await RoomAsync();
            await Connection.Standstill.EnterAsync();
            try
            {
                _wait = null;
                ReadOnlyMemory<byte> handled;
                do
                {
                    goesOn = Step(ref bytes, out next, out handled);
                }
                while (next is null && goesOn && !bytes.IsEmpty);
                wait = new ReadingWait(SessionWait.Handler, handled, bytes);
            }
            finally
            {
                Connection.Standstill.Leave();
            }
        }

        _reader.Release();
        return goesOn && pause > TimeSpan.Zero ? await PauseAsync(pause) : goesOn;
    }

    // One message or control frame. False: the peer says no more. What has to be waited for before the next comes out, and the message whose handler that is.
    private bool Step(ref Memory<byte> bytes, out ValueTask? handling, out ReadOnlyMemory<byte> handled)
    {
        (handling, handled) = (null, default);
        var fed = bytes;
        var found = _reader.Read(bytes.Span, out var consumed);
        bytes = bytes[consumed..];
        switch (found.Kind)
        {
            case FrameEventKind.Text or FrameEventKind.Binary:
                var task = Handle(found.AsMemory(fed));
                handling = task.IsCompletedSuccessfully && RoomAsync().IsCompleted ? null : task;
                handled = handling is null ? default : found.AsMemory(fed);
                break;
            case FrameEventKind.Ping:
                Send(EncodedMessage.Pong(found.Payload));
                handling = RoomAsync().IsCompleted ? null : ValueTask.CompletedTask;
                break;
            case FrameEventKind.Close:
                // The peer's own code and text go back to it (RFC 6455 section 5.5.1).
                Close(new Ending(CloseReason.PeerClosed, found.CloseCode, System.Text.Encoding.UTF8.GetString(found.Payload)));
                End(HasReadClose);
                return false;
            case FrameEventKind.Error:
                Close(new Ending(
                    found.Error == FrameError.MessageTooBig ? CloseReason.MessageTooBig : CloseReason.ProtocolError, found.CloseCode, ""));
                break;
        }

        Volatile.Write(ref MessageStarted, !_reader.IsMidMessage ? 0 : MessageStarted != 0 ? MessageStarted : LastReceived);
        return true;
    }

    private ValueTask Handle(ReadOnlyMemory<byte> message)
    {
        Volatile.Write(ref LastMessage, _lastReceived);
        MessagesReceived++;
        BytesReceived += message.Length;
        try
        {
            return IsClosing ? ValueTask.CompletedTask : Handler.OnMessageAsync(this, message, _lastReceived);
        }
        catch (Exception exception)
        {
            Fail(exception);
            return ValueTask.CompletedTask;
        }
    }

    private void Fail(Exception exception)
    {
        Services.LogFailure(exception, Id);
        Close(CloseReason.InternalError);
    }

    private void Close(Ending ending)
    {
        if (Interlocked.CompareExchange(ref _ending, ending, null) is not null)
        {
            return;
        }

        if (ending.Reason is CloseReason.PeerGone or CloseReason.WriteTimeout)
        {
            Connection.Abort();
        }
        else
        {
            Connection.CloseSoon();
        }

        Complete(CloseReasons.Of(ending.Reason).DropsQueue);
    }

    // When both sides are done the connection ends; else its grace does it.
    private void End(int side)
    {
        if ((Interlocked.Or(ref _ends, side) | side) == (HasSentClose | HasReadClose))
        {
            Connection.Close();
        }
    }
}
