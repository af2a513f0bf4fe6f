using System.Buffers;
using System.Net.WebSockets;
using Relay.Protocol;

namespace Relay.Sessions;

/// <summary>Frames to whole messages, one after another. While a socket is idle it holds no buffer.</summary>
internal static partial class ReceiveLoop
{
    private const int FirstRent = 2048;

    /// <summary>Runs until the session is over and says why. Exceptions of the handler end the session, never the process.</summary>
    public static async Task<CloseReason> RunAsync(
        Session session, WebSocket socket, ISessionHandler handler, SessionServices services)
    {
        try
        {
            while (true)
            {
                var first = await socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
                if (first.MessageType == WebSocketMessageType.Close)
                {
                    return CloseReason.PeerClosed;
                }

                Volatile.Write(ref session.MessageStarted, services.Time.GetTimestamp());
                var reason = await ReceiveMessageAsync(session, socket, handler, services, first.EndOfMessage);
                if (reason != CloseReason.None)
                {
                    return reason;
                }

                await session.RoomAsync();
            }
        }
        catch (Exception exception) when (IsPeerGone(exception, socket))
        {
            // Frames that break the protocol were answered with a close frame by the WebSocket itself.
            return socket.CloseStatus is not null || socket.State is WebSocketState.CloseSent or WebSocketState.Closed
                || exception is WebSocketException { WebSocketErrorCode: WebSocketError.Faulted or WebSocketError.InvalidMessageType or WebSocketError.HeaderError }
                ? CloseReason.ProtocolError
                : CloseReason.PeerGone;
        }
        catch (Exception exception)
        {
            Log.Failed(services.Logger, exception, session.Id);
            return CloseReason.InternalError;
        }
    }

    /// <summary>Reads and throws away what still comes until the peer has closed too or the connection is cut.</summary>
    public static async Task DrainAsync(WebSocket socket)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(FirstRent);
        try
        {
            while ((await socket.ReceiveAsync(buffer.AsMemory(), CancellationToken.None)).MessageType != WebSocketMessageType.Close)
            {
            }
        }
        catch (Exception exception) when (IsPeerGone(exception, socket))
        {
            // It is over either way.
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    public static bool IsPeerGone(Exception exception, WebSocket socket) =>
        exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException
        || (exception is InvalidOperationException && socket.State is not WebSocketState.Open);

    private static async ValueTask<CloseReason> ReceiveMessageAsync(
        Session session, WebSocket socket, ISessionHandler handler, SessionServices services, bool complete)
    {
        var max = services.Options.MaxMessageBytes;
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Min(FirstRent, max + 1));
        var length = 0;
        try
        {
            while (!complete)
            {
                if (length == buffer.Length)
                {
                    buffer = Grow(buffer, length);
                }

                var result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                if (result.MessageType == WebSocketMessageType.Close)
                {
                    return CloseReason.PeerClosed;
                }

                length += result.Count;
                complete = result.EndOfMessage;
                if (length > max)
                {
                    return CloseReason.MessageTooBig;
                }
            }

            Volatile.Write(ref session.MessageStarted, 0);
            var receivedAt = services.Time.GetTimestamp();
            Volatile.Write(ref session.LastMessage, receivedAt);
            session.MessagesReceived++;
            session.BytesReceived += length;
            if (!session.IsClosing)
            {
                await handler.OnMessageAsync(session, buffer.AsMemory(0, length), receivedAt);
            }

            return CloseReason.None;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private static byte[] Grow(byte[] buffer, int length)
    {
        var larger = ArrayPool<byte>.Shared.Rent(buffer.Length * 2);
        buffer.AsSpan(0, length).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Session {Id} ended by a defect of the relay")]
        public static partial void Failed(ILogger logger, Exception exception, long id);
    }
}
