using System.Net.WebSockets;
using System.Text;

namespace Server.Tests.Channels;

/// <summary>A client's end of a session without a network: it keeps what the server sends, unless it is stuck and reads nothing.</summary>
internal sealed class ClientSocket : WebSocket
{
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _reads = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _asked = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<string> _heard = [];
    private WebSocketState _state = WebSocketState.Open;

    public ClientSocket(bool stuck)
    {
        if (!stuck)
        {
            _reads.SetResult();
        }
    }

    /// <summary>All that was heard so far.</summary>
    public IReadOnlyList<string> Heard
    {
        get
        {
            lock (_heard)
            {
                return [.. _heard];
            }
        }
    }

    /// <summary>Ends when the server sends the first message.</summary>
    public Task Asked => _asked.Task;

    public override WebSocketCloseStatus? CloseStatus => _closed.Task.IsCompleted ? WebSocketCloseStatus.NormalClosure : null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => _state;

    public override string? SubProtocol => null;

    /// <summary>A stuck client reads again.</summary>
    public void Read() => _reads.TrySetResult();

    /// <summary>The client says that it leaves; it reads what is still on its way.</summary>
    public void Leave()
    {
        Read();
        _state = WebSocketState.CloseReceived;
        _closed.TrySetResult();
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        await _closed.Task;
        return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Close, endOfMessage: true);
    }

    public override async ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        _asked.TrySetResult();
        await _reads.Task;
        lock (_heard)
        {
            _heard.Add(Encoding.UTF8.GetString(buffer.Span));
        }
    }

    public override Task CloseOutputAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        _state = WebSocketState.Closed;
        return Task.CompletedTask;
    }

    public override void Abort() => Leave();

    public override void Dispose() => Leave();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task SendAsync(
        ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
