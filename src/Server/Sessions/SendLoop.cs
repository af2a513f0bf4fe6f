using System.Net.WebSockets;

namespace Relay.Sessions;

/// <summary>Queue to socket. The only caller of WebSocket.SendAsync and CloseOutputAsync of a session.</summary>
internal static class SendLoop
{
    /// <summary>Sends until the queue is completed and empty; false when the connection broke first.</summary>
    public static async Task<bool> RunAsync(WebSocket socket, OutboundQueue queue, SessionServices services)
    {
        try
        {
            while (await queue.WaitAsync())
            {
                while (queue.TryDequeue(out var message))
                {
                    try
                    {
                        await socket.SendAsync(message.Bytes, WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
                    }
                    finally
                    {
                        message.Return();
                    }

                    services.Metrics.MessageSent(message.Length);
                    if (message.ReceivedAt != 0)
                    {
                        services.Metrics.Forwarded(services.Time.GetElapsedTime(message.ReceivedAt));
                    }
                }
            }

            return true;
        }
        catch (Exception exception) when (ReceiveLoop.IsPeerGone(exception, socket))
        {
            return false;
        }
    }

    public static async Task CloseAsync(WebSocket socket, WebSocketCloseStatus status, string? text)
    {
        try
        {
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await socket.CloseOutputAsync(status, text, CancellationToken.None);
            }
        }
        catch (Exception exception) when (ReceiveLoop.IsPeerGone(exception, socket))
        {
            // The peer did not wait for the close frame.
        }
    }
}
