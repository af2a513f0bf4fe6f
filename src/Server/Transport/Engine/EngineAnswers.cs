using System.Buffers;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace Relay.Transport.Engine;

/// <summary>HTTP answers as bytes, each valid until the next.</summary>
internal sealed class EngineAnswers
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1024);

    /// <summary>The answer that makes a WebSocket of the connection (RFC 6455 section 4.2.2).</summary>
    public ReadOnlyMemory<byte> Upgrade(ReadOnlySpan<byte> key, string? subprotocol)
    {
        _bytes.ResetWrittenCount();
        _bytes.Write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: "u8);
        WebSocketHandshake.WriteAcceptKey(key, _bytes.GetSpan(WebSocketHandshake.AcceptKeyBytes));
        _bytes.Advance(WebSocketHandshake.AcceptKeyBytes);
        if (subprotocol is not null)
        {
            _bytes.Write("\r\nSec-WebSocket-Protocol: "u8);
            Encoding.UTF8.GetBytes(subprotocol, _bytes);
        }

        _bytes.Write("\r\n\r\n"u8);
        return _bytes.WrittenMemory;
    }

    /// <summary>An answer without an upgrade, after which the connection is closed.</summary>
    public ReadOnlyMemory<byte> Refuse(HttpAnswer answer, DateTimeOffset now)
    {
        _bytes.ResetWrittenCount();
        var header = answer.HeaderName.Length == 0 ? "" : $"{answer.HeaderName}: {answer.HeaderValue}\r\n";
        Encoding.UTF8.GetBytes(
            $"""
            HTTP/1.1 {answer.Status} {ReasonPhrases.GetReasonPhrase(answer.Status)}
            Content-Type: text/plain; charset=utf-8
            Content-Length: {Encoding.UTF8.GetByteCount(answer.Text) + 1}
            Connection: close
            Date: {now.UtcDateTime:R}


            """.ReplaceLineEndings("\r\n")[..^2] + $"{header}\r\n{answer.Text}\n",
            _bytes);
        return _bytes.WrittenMemory;
    }
}
