using System.Net.WebSockets;
using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>Queue to socket. The only caller of WebSocket.SendAsync and CloseOutputAsync of a session.</summary>
internal static class SendLoop
{
    /// <summary>Sends until the queue is completed and empty, then the close frame; closes the session when the connection breaks first.</summary>
    public static async Task RunAsync(Session session, WebSocket socket, OutboundQueue queue, SessionServices services)
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

                    session.MessagesSent++;
                    session.BytesSent += message.Length;
                    services.Metrics.MessageSent(message.Length);
                    if (message.ReceivedAt != 0)
                    {
                        services.Metrics.Forwarded(services.Time.GetElapsedTime(message.ReceivedAt));
                    }
                }
            }

            var (status, text) = session.CloseFrame;
            if (status != 0 && socket.State is (WebSocketState.Open or WebSocketState.CloseReceived))
            {
                await socket.CloseOutputAsync(status, text, CancellationToken.None);
            }
        }
        catch (Exception exception) when (ReceiveLoop.IsPeerGone(exception, socket))
        {
            session.Close(CloseReason.PeerGone);
        }
    }
}
