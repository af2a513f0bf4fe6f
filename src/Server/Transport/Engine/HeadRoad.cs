namespace Relay.Transport.Engine;

/// <summary>Which of the two roads on one port a request takes: the engine's, or Kestrel's, which is for everything else.</summary>
internal static class HeadRoad
{
    /// <summary>
    /// True for a GET of HTTP/1.1 that asks for a WebSocket, has no body, and whose path is the same for every reader. The rest
    /// of the handshake, and whether the path is a client's, are checked elsewhere.
    /// </summary>
    /// <param name="head">A head that is complete.</param>
    /// <param name="bytes">The bytes that it was parsed from.</param>
    public static bool IsForEngine(RequestHead head, ReadOnlySpan<byte> bytes) =>
        head.IsHttp11
        && !head.HasBody
        && head.Method(bytes).SequenceEqual("GET"u8)
        && IsPlain(head.Target(bytes))
        && head.HasListElement(bytes, "upgrade"u8, "websocket"u8)
        && head.HasListElement(bytes, "connection"u8, "upgrade"u8);

    // Kestrel decodes percents and removes dot segments before paths are compared.
    private static bool IsPlain(ReadOnlySpan<byte> target)
    {
        var query = target.IndexOf((byte)'?');
        var path = query < 0 ? target : target[..query];
        return path.StartsWith("/"u8) && !path.Contains((byte)'%') && path.IndexOf("/."u8) < 0;
    }
}
