using Relay.Addresses;

namespace Relay.Transport;

/// <summary>A request for a WebSocket, whichever entrance it came through.</summary>
/// <param name="Method">As it stands in the request line.</param>
/// <param name="Header">The lines of a header.</param>
/// <param name="Peer">The other end of the TCP connection.</param>
/// <param name="Claim">What a PROXY header said.</param>
/// <param name="ClientAddress">How the listener finds the client's address.</param>
/// <param name="IsUpgrade">True when HTTP permits the upgrade: HTTP/1.1 with <c>Connection: Upgrade</c>.</param>
/// <param name="Query">The query of its target with the question mark; empty: none.</param>
/// <param name="IsWellFormed">True when the entrance has checked the handshake already.</param>
internal readonly record struct UpgradeRequest(
    string Method, HeaderLookup Header, IpKey Peer, ProxyClaim Claim, ClientAddressRule ClientAddress, Func<string> Query, bool IsUpgrade, bool IsWellFormed = false)
{
    /// <summary>The subprotocols that the client offers, in its order.</summary>
    public IEnumerable<string> Subprotocols => Header("Sec-WebSocket-Protocol").ToString().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>The first of them that is no token, which is echoed; null: none.</summary>
    public string? Subprotocol => Subprotocols.FirstOrDefault(static one => !WebSocketHandshake.IsToken(one));
}

/// <summary>What becomes of a client's request; its connection is not yet upgraded, and what it asks for is well known only until this returns.</summary>
internal delegate UpgradeOutcome ClientEntrance(UpgradeRequest request, Connection connection);

/// <summary>An answer without an upgrade: a status, one line of text, and at most one header of its own.</summary>
internal sealed record HttpAnswer(int Status, string Text, string HeaderName = "", string HeaderValue = "")
{
    /// <summary>With Retry-After between the given time and twice as much, so that clients do not come back in step.</summary>
    public static HttpAnswer RetryLater(int status, string reason, TimeSpan retryAfter)
    {
        var seconds = Math.Max(1, (int)Math.Ceiling(retryAfter.TotalSeconds));
        var wait = seconds + Random.Shared.Next(seconds + 1);
        return new HttpAnswer(status, reason, "Retry-After", wait.ToString(System.Globalization.CultureInfo.InvariantCulture));
    }
}

/// <summary>What becomes of an upgrade request: exactly one of the three.</summary>
internal readonly record struct UpgradeOutcome(HttpAnswer? Refused, IConnectionHandler? Accepted, PendingUpgrade? Pending = null)
{
    public static implicit operator UpgradeOutcome(HttpAnswer answer) => new(answer, null);
}
