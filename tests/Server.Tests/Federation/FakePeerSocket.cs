using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;

namespace Server.Tests.Federation;

/// <summary>The server's end of a WebSocket without a network: the test says what comes in and sees what goes out.</summary>
internal sealed class FakePeerSocket : WebSocket
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Channel<byte[]> _incoming = Channel.CreateUnbounded<byte[]>();
    private readonly Channel<string> _outgoing = Channel.CreateUnbounded<string>();
    private WebSocketState _state = WebSocketState.Open;

    public override WebSocketCloseStatus? CloseStatus => null;

    public override string? CloseStatusDescription => null;

    public override WebSocketState State => _state;

    public override string? SubProtocol => null;

    public void Say(byte[] message) => _incoming.Writer.TryWrite(message);

    public void Say(string message) => Say(Encoding.UTF8.GetBytes(message));

    /// <summary>The connection is gone.</summary>
    public void Cut() => _incoming.Writer.TryComplete();

    /// <summary>The next message that the server sent, or "close code text".</summary>
    public async Task<string> HearAsync()
    {
        using var patience = new CancellationTokenSource(Patience);
        return await _outgoing.Reader.ReadAsync(patience.Token);
    }

    public override async ValueTask<ValueWebSocketReceiveResult> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (!await _incoming.Reader.WaitToReadAsync(cancellationToken))
        {
            _state = WebSocketState.Aborted;
            throw new WebSocketException(WebSocketError.ConnectionClosedPrematurely);
        }

        if (buffer.IsEmpty)
        {
            return new ValueWebSocketReceiveResult(0, WebSocketMessageType.Text, endOfMessage: false);
        }

        _incoming.Reader.TryPeek(out var message);
        var count = Math.Min(buffer.Length, message!.Length);
        message.AsSpan(0, count).CopyTo(buffer.Span);
        _incoming.Reader.TryRead(out _);
        if (count < message.Length)
        {
            throw new NotSupportedException("The fake gives a message in one piece.");
        }

        return new ValueWebSocketReceiveResult(count, WebSocketMessageType.Text, endOfMessage: true);
    }

    public override ValueTask SendAsync(
        ReadOnlyMemory<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken)
    {
        _outgoing.Writer.TryWrite(Encoding.UTF8.GetString(buffer.Span));
        return ValueTask.CompletedTask;
    }

    public override Task CloseOutputAsync(
        WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken)
    {
        _state = WebSocketState.CloseSent;
        _outgoing.Writer.TryWrite($"close {(int)closeStatus} {statusDescription}");
        return Task.CompletedTask;
    }

    public override void Abort() => Cut();

    public override void Dispose() => Cut();

    public override Task CloseAsync(WebSocketCloseStatus closeStatus, string? statusDescription, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task<WebSocketReceiveResult> ReceiveAsync(ArraySegment<byte> buffer, CancellationToken cancellationToken) =>
        throw new NotSupportedException();

    public override Task SendAsync(
        ArraySegment<byte> buffer, WebSocketMessageType messageType, bool endOfMessage, CancellationToken cancellationToken) =>
        throw new NotSupportedException();
}
