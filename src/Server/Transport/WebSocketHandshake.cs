using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;

namespace Relay.Transport;

/// <summary>The opening handshake of RFC 6455 section 4.2: what is wrong with a request, and what is answered to a right one.</summary>
internal static class WebSocketHandshake
{
    /// <summary>Length of a Sec-WebSocket-Key.</summary>
    public const int KeyBytes = 24;

    /// <summary>Length of a Sec-WebSocket-Accept.</summary>
    public const int AcceptKeyBytes = 28;

    /// <summary>How a subprotocol begins that is a client's token. It is never echoed: an answer may be logged on its way.</summary>
    public const string TokenSubprotocol = "token.";

    // Of RFC 6455 section 1.3.
    private static ReadOnlySpan<byte> AcceptGuid => "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;

    /// <summary>The answer where a WebSocket is all there is, to a request that does not ask for one.</summary>
    public static readonly HttpAnswer UpgradeRequired = new(
        426,
        "A WebSocket is expected here, and the request does not ask for one. If the client does, a proxy before the relay strips Upgrade and Connection: it must pass them on",
        "Upgrade",
        "websocket");

    /// <summary>True when a request asks for a WebSocket, whether or not it does so rightly.</summary>
    /// <param name="isHttp11">False for HTTP/1.0, in which RFC 9110 section 7.8 lets nobody ask.</param>
    /// <param name="upgrade">The lines of its Upgrade header.</param>
    public static bool IsRequested(bool isHttp11, StringValues upgrade) =>
        isHttp11 && upgrade.ToString().Split(',').Any(protocol => protocol.Trim().Equals("websocket", StringComparison.OrdinalIgnoreCase));

    /// <summary>The answer to a request that RFC 6455 forbids; null when it is well-formed.</summary>
    public static HttpAnswer? Check(UpgradeRequest request)
    {
        if (request.IsWellFormed)
        {
            return null;
        }

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

        if (!IsKey(Encoding.ASCII.GetBytes(request.Header("Sec-WebSocket-Key").ToString())))
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
        Span<byte> accept = stackalloc byte[AcceptKeyBytes];
        WriteAcceptKey(Encoding.ASCII.GetBytes(request.Header("Sec-WebSocket-Key").ToString()), accept);
        return Encoding.ASCII.GetString(accept);
    }

    /// <summary>The same from and to bytes: a key of <see cref="KeyBytes"/>, an answer of <see cref="AcceptKeyBytes"/>.</summary>
    public static void WriteAcceptKey(ReadOnlySpan<byte> key, Span<byte> accept)
    {
        Span<byte> joined = stackalloc byte[KeyBytes + AcceptGuid.Length];
        key.CopyTo(joined);
        AcceptGuid.CopyTo(joined[KeyBytes..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
#pragma warning disable CA5350 // SHA-1 is what RFC 6455 asks for; nothing secret depends on it.
        SHA1.HashData(joined, hash);
#pragma warning restore CA5350
        Base64.EncodeToUtf8(hash, accept, out _, out _);
    }

    public static bool IsToken(string subprotocol) => subprotocol.StartsWith(TokenSubprotocol, StringComparison.Ordinal);

    /// <summary>True for the versions that are served.</summary>
    public static bool IsVersion(ReadOnlySpan<byte> version) => version.SequenceEqual("13"u8) || version.SequenceEqual("8"u8);

    /// <summary>True for 16 bytes in base64.</summary>
    public static bool IsKey(ReadOnlySpan<byte> key) => key.Length == KeyBytes && Base64.IsValid(key, out var decoded) && decoded == 16;

    private static bool AreTokens(string list) => list.Length == 0 || list.Split(',').All(element => HttpToken.Is(element.AsSpan().Trim(" \t")));
}
