using System.Net.WebSockets;
using Relay.Addresses;
using Relay.Protocol;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>
/// One WebSocket, both directions, whoever is at its other end. A receive loop and a send loop run side by side and are
/// joined here; the first reason to close wins.
/// </summary>
internal sealed class Session
{
    // Fixed after construction.
    private readonly TrackedConnection _connection;
    private readonly WebSocket _socket;
    private readonly SessionServices _services;
    private readonly OutboundQueue _queue;

    // Atomic.
    private int _closeReason;
    private int _holds;

    // Written by whoever closes first, before the queue is completed; read by the send loop after that.
    private (WebSocketCloseStatus Status, string? Text) _closeFrame;

    public Session(long id, IpKey address, IpKey key, TrackedConnection connection, WebSocket socket, FrameStream frames, SessionServices services)
    {
        Id = id;
        Address = address;
        Key = key;
        Frames = frames;
        ConnectedAt = LastMessage = LastPing = UnheldSince = services.Time.GetTimestamp();
        _connection = connection;
        _socket = socket;
        _services = services;
        _queue = new OutboundQueue(services.Options, services.Metrics);
    }

    public long Id { get; }

    /// <summary>The client's whole address.</summary>
    public IpKey Address { get; }

    /// <summary>The key that the socket's address counts by.</summary>
    public IpKey Key { get; }

    public FrameStream Frames { get; }

    public long ConnectedAt { get; }

    /// <summary>Why the session ended or is ending.</summary>
    public CloseReason CloseReason => (CloseReason)Volatile.Read(ref _closeReason);

    public bool IsClosing => CloseReason != CloseReason.None;

    /// <summary>What the handler keeps with the session; set in OnOpened, before any message.</summary>
    public object? State { get; set; }

    /// <summary>When the message that is being received began, or 0. Receive loop writes, sweep reads.</summary>
    public long MessageStarted;

    // Receive loop writes the first two, send loop the others; anybody reads.
    public long MessagesReceived;
    public long BytesReceived;
    public long MessagesSent;
    public long BytesSent;

    /// <summary>What waits to be sent.</summary>
    public (int Messages, long Bytes) Queued => _queue.Waiting;

    /// <summary>Done when half of what may wait to be sent is free. Receive loop only.</summary>
    public Task RoomAsync() => _queue.RoomAsync();

    /// <summary>When the last whole message came, at first the moment of connecting. Receive loop writes, anybody reads.</summary>
    public long LastMessage;

    /// <summary>Sweep only.</summary>
    public long LastPing { get; set; }

    /// <summary>Cancelled when the connection is gone, also while nobody reads from it.</summary>
    public CancellationToken ConnectionClosed => _connection.ConnectionClosed;

    /// <summary>True while the socket is registered as something.</summary>
    public bool IsHeld => Volatile.Read(ref _holds) > 0;

    /// <summary>Since when the socket is registered as nothing.</summary>
    public long UnheldSince { get; private set; }

    /// <summary>A feature has registered the socket as something; <see cref="Unhold"/> takes that back.</summary>
    public void Hold() => Interlocked.Increment(ref _holds);

    public void Unhold()
    {
        UnheldSince = _services.Time.GetTimestamp();
        Interlocked.Decrement(ref _holds);
    }

    /// <summary>
    /// Queues a message; never blocks. A full queue closes this session, the slow receiver, and nobody else. The message
    /// is the session's from here on.
    /// </summary>
    public void Send(in EncodedMessage message)
    {
        var result = _queue.TryEnqueue(message);
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
    /// Queues a message that may be lost; never blocks, never closes the session. False: it was dropped. The message is the
    /// session's from here on.
    /// </summary>
    public bool TrySend(in EncodedMessage message)
    {
        if (_queue.TryEnqueue(message, droppable: true) == EnqueueResult.Queued)
        {
            return true;
        }

        message.Return();
        return false;
    }

    /// <summary>Begins to close: what is queued goes out first (unless the reason drops it), then the close frame. Does not wait.</summary>
    public void Close(CloseReason reason)
    {
        var (code, text) = CloseReasons.Frame(reason);
        Close(reason, (WebSocketCloseStatus)code, text);
    }

    /// <summary>The same with a frame of the operator's choice.</summary>
    public void Disconnect(WebSocketCloseStatus code, string text) => Close(CloseReason.Disconnected, code, text);

    /// <summary>The close frame to send, when the queue is empty and completed; (0, null): none.</summary>
    public (WebSocketCloseStatus Status, string? Text) CloseFrame
    {
        get
        {
            if (CloseReason != CloseReason.PeerClosed)
            {
                return _closeFrame;
            }

            // The peer's own code and text go back to it (RFC 6455 section 5.5.1).
            var status = _socket.CloseStatus ?? WebSocketCloseStatus.Empty;
            return (status, status == WebSocketCloseStatus.Empty ? null : _socket.CloseStatusDescription);
        }
    }

    /// <summary>Cuts the connection at once, without a close frame.</summary>
    public void Abort(CloseReason reason)
    {
        Close(reason);
        _connection.Abort();
    }

    /// <summary>Runs the session until its connection may go. Throws only for defects of ours in the handler's OnOpened or OnClosed.</summary>
    public async Task RunAsync(ISessionHandler handler, SessionTable table)
    {
        table.Add(this);
        try
        {
            handler.OnOpened(this);
            var sending = SendLoop.RunAsync(this, _socket, _queue, _services);

            // Ends when the peer has closed, when the connection is cut, or with a reason of its own.
            Close(await ReceiveLoop.RunAsync(this, _socket, handler, _services));
            await sending;

            // We closed first: the peer's close frame is still to come, for at most the grace of a closing connection.
            if (_socket.State == WebSocketState.CloseSent)
            {
                await ReceiveLoop.DrainAsync(_socket);
            }
        }
        finally
        {
            Close(CloseReason.InternalError);
            table.Remove(this);
            _queue.Complete(drop: true);
            _socket.Dispose();
            handler.OnClosed(this);
        }
    }

    private void Close(CloseReason reason, WebSocketCloseStatus status, string? text)
    {
        if (Interlocked.CompareExchange(ref _closeReason, (int)reason, (int)CloseReason.None) != (int)CloseReason.None)
        {
            return;
        }

        _closeFrame = (status, text);
        _queue.Complete(CloseReasons.DropsQueue(reason));
        if (reason is CloseReason.PeerGone or CloseReason.WriteTimeout)
        {
            _connection.Abort();
        }
        else
        {
            _connection.CloseSoon();
        }
    }
}
