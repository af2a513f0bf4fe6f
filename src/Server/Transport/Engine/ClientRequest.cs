namespace Relay.Transport.Engine;

/// <summary>The requests that the engine answers itself.</summary>
internal static class ClientRequest
{
    /// <summary>True for a handshake without a fault, on a path that is nobody's but a client's. <paramref name="key"/> is its Sec-WebSocket-Key.</summary>
    public static bool IsOne(RequestHead head, ReadOnlySpan<byte> bytes, out ReadOnlySpan<byte> key)
    {
        key = default;
        return HeadRoad.IsForEngine(head, bytes)
            && !PublicPaths.IsReserved(PathOf(head.Target(bytes)))
            && head.TryFind(bytes, "sec-websocket-version"u8, out var version)
            && WebSocketHandshake.IsVersion(version)
            && head.TryFind(bytes, "sec-websocket-key"u8, out key)
            && WebSocketHandshake.IsKey(key);
    }

    private static ReadOnlySpan<byte> PathOf(ReadOnlySpan<byte> target)
    {
        var query = target.IndexOf((byte)'?');
        return query < 0 ? target : target[..query];
    }
}
