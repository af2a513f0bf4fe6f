using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;

namespace Relay.Transport;

/// <summary>The opening handshake of RFC 6455 section 4.2: what is wrong with a request, and what is answered to a right one.</summary>
internal static class WebSocketHandshake
{
    /// <summary>The answer where a WebSocket is all there is, to a request that does not ask for one.</summary>
    public static readonly HttpAnswer UpgradeRequired = new(426, "A WebSocket is expected here", "Upgrade", "websocket");

    /// <summary>True when a request asks for a WebSocket, whether or not it does so rightly.</summary>
    /// <param name="isHttp11">False for HTTP/1.0, in which RFC 9110 section 7.8 lets nobody ask.</param>
    /// <param name="upgrade">The lines of its Upgrade header.</param>
    public static bool IsRequested(bool isHttp11, StringValues upgrade) =>
        isHttp11 && upgrade.ToString().Split(',').Any(protocol => protocol.Trim().Equals("websocket", StringComparison.OrdinalIgnoreCase));

    /// <summary>The answer to a request that RFC 6455 forbids; null when it is well-formed.</summary>
    public static HttpAnswer? Check(UpgradeRequest request)
    {
        if (request.Method != "GET")
        {
            return new HttpAnswer(405, "A WebSocket is opened with GET", "Allow", "GET");
        }

        if (!request.IsUpgrade)
        {
            return new HttpAnswer(400, "Connection: Upgrade is missing");
        }

        if (request.Header("Sec-WebSocket-Version").ToString() is not ("13" or "8"))
        {
            return new HttpAnswer(400, "Unsupported Sec-WebSocket-Version", "Sec-WebSocket-Version", "13, 8");
        }

        if (!IsKey(request.Header("Sec-WebSocket-Key").ToString()))
        {
            return new HttpAnswer(400, "Sec-WebSocket-Key must be 16 bytes in base64");
        }

        return AreTokens(request.Header("Sec-WebSocket-Protocol").ToString())
            ? null
            : new HttpAnswer(400, "Sec-WebSocket-Protocol must be tokens with commas between them");
    }

    /// <summary>The value of Sec-WebSocket-Accept for a well-formed request.</summary>
    public static string AcceptKey(UpgradeRequest request)
    {
        // The GUID of RFC 6455 section 1.3.
        var bytes = Encoding.ASCII.GetBytes(request.Header("Sec-WebSocket-Key").ToString() + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
#pragma warning disable CA5350 // SHA-1 is what RFC 6455 asks for; nothing secret depends on it.
        return Convert.ToBase64String(SHA1.HashData(bytes));
#pragma warning restore CA5350
    }

    private static bool AreTokens(string list) => list.Length == 0 || list.Split(',').All(element => HttpToken.Is(element.AsSpan().Trim(" \t")));

    private static bool IsKey(string key)
    {
        Span<byte> decoded = stackalloc byte[18];
        return key.Length == 24 && Base64.IsValid(key) && Convert.TryFromBase64String(key, decoded, out var length) && length == 16;
    }
}
