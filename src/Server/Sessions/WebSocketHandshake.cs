using System.Buffers.Text;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Http.Features;

namespace Relay.Sessions;

/// <summary>
/// The opening handshake of RFC 6455 section 4.2, on Kestrel's upgrade. Done here and not by the WebSocket middleware, so
/// that the stream below the WebSocket is ours: see <see cref="FrameStream"/>.
/// </summary>
internal static class WebSocketHandshake
{
    /// <summary>True when the client asks for a WebSocket, well or badly.</summary>
    public static bool IsRequested(HttpContext context) =>
        context.Request.Headers.Upgrade.ToString().Contains("websocket", StringComparison.OrdinalIgnoreCase);

    /// <summary>The answer to a handshake that RFC 6455 forbids, already on its way; null when it is well-formed.</summary>
    public static Task? Reject(HttpContext context)
    {
        var request = context.Request;
        if (!HttpMethods.IsGet(request.Method))
        {
            context.Response.Headers.Allow = HttpMethods.Get;
            return AnswerAsync(context, StatusCodes.Status405MethodNotAllowed, "A WebSocket is opened with GET");
        }

        if (context.Features.Get<IHttpUpgradeFeature>() is not { IsUpgradableRequest: true })
        {
            return AnswerAsync(context, StatusCodes.Status400BadRequest, "Connection: Upgrade is missing");
        }

        if (request.Headers.SecWebSocketVersion.ToString() is not ("13" or "8"))
        {
            context.Response.Headers.SecWebSocketVersion = "13, 8";
            return AnswerAsync(context, StatusCodes.Status400BadRequest, "Unsupported Sec-WebSocket-Version");
        }

        return IsKey(request.Headers.SecWebSocketKey.ToString())
            ? null
            : AnswerAsync(context, StatusCodes.Status400BadRequest, "Sec-WebSocket-Key must be 16 bytes in base64");
    }

    /// <summary>Sends 101 and gives the connection's stream. The first subprotocol offered is echoed.</summary>
    public static Task<Stream> UpgradeAsync(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.Upgrade = "websocket";
        headers.Connection = "Upgrade";
        headers.SecWebSocketAccept = AcceptKey(context.Request.Headers.SecWebSocketKey.ToString());
        if (FirstSubprotocol(context) is { } subprotocol)
        {
            headers.SecWebSocketProtocol = subprotocol;
        }

        return context.Features.GetRequiredFeature<IHttpUpgradeFeature>().UpgradeAsync();
    }

    /// <summary>A server-side WebSocket over the stream. Without the framework's keep-alive, which is a timer per socket.</summary>
    public static WebSocket CreateWebSocket(Stream stream) => WebSocket.CreateFromStream(
        stream,
        new WebSocketCreationOptions { IsServer = true, KeepAliveInterval = Timeout.InfiniteTimeSpan });

    private static string? FirstSubprotocol(HttpContext context)
    {
        var offered = context.Request.Headers.SecWebSocketProtocol.ToString();
        var first = offered.Split(',', 2)[0].Trim();
        return first.Length > 0 ? first : null;
    }

    private static bool IsKey(string key)
    {
        Span<byte> decoded = stackalloc byte[18];
        return key.Length == 24 && Base64.IsValid(key) && Convert.TryFromBase64String(key, decoded, out var length) && length == 16;
    }

    private static string AcceptKey(string key)
    {
        // The GUID of RFC 6455 section 1.3.
        var bytes = Encoding.ASCII.GetBytes(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
#pragma warning disable CA5350 // SHA-1 is what RFC 6455 asks for; nothing secret depends on it.
        return Convert.ToBase64String(SHA1.HashData(bytes));
#pragma warning restore CA5350
    }

    private static Task AnswerAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n");
    }
}
