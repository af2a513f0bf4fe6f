using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Relay.Transport.Engine;

/// <summary>HTTP answers as bytes.</summary>
internal static class EngineAnswers
{
    /// <summary>The answer that makes a WebSocket of the connection (RFC 6455 section 4.2.2).</summary>
    public static void WriteUpgrade(OpeningBuffer buffer, ReadOnlySpan<byte> key, string? subprotocol)
    {
        buffer.TryAppend("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "u8);
        WebSocketHandshake.WriteAcceptKey(key, buffer.Rest);
        buffer.Advance(WebSocketHandshake.AcceptKeyBytes);
        if (subprotocol is not null)
        {
            Append(buffer, $"\r\nSec-WebSocket-Protocol: {subprotocol}");
        }

        buffer.TryAppend("\r\n\r\n"u8);
    }

    /// <summary>An answer without an upgrade, after which the connection is closed.</summary>
    public static void Write(OpeningBuffer buffer, HttpAnswer answer, DateTimeOffset now)
    {
        var header = answer.HeaderName.Length == 0 ? "" : $"{answer.HeaderName}: {answer.HeaderValue}\r\n";
        Append(buffer, $"""
            HTTP/1.1 {answer.Status} {ReasonPhrases.GetReasonPhrase(answer.Status)}
            Content-Type: text/plain; charset=utf-8
            Content-Length: {Encoding.UTF8.GetByteCount(answer.Text) + 1}
            Connection: close
            Date: {now.UtcDateTime:R}


            """.ReplaceLineEndings("\r\n")[..^2] + $"{header}\r\n{answer.Text}\n");
    }

    private static void Append(OpeningBuffer buffer, string text) => buffer.TryAppend(Encoding.UTF8.GetBytes(text));
}
