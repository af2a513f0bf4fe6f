using Relay.Transport;

namespace Relay.ClientAuth;

/// <summary>
/// The token that a client shows: in its Authorization header, in a subprotocol, because a page in a browser can set no header, or in the query. The first
/// of these that is there counts.
/// </summary>
internal static class ClientToken
{
    /// <summary>A longer token is not looked at. A JWT with a few claims has less than a kilobyte.</summary>
    public const int MaxLength = 4096;

    private const string Scheme = "Bearer ";
    private const string Parameter = "token=";

    /// <summary>Null: the client shows none, or one that is too long.</summary>
    public static string? Of(UpgradeRequest request) =>
        (OfAuthorization(request.Header("Authorization").ToString()) ?? OfSubprotocol(request) ?? OfQuery(request)) is { Length: > 0 and <= MaxLength } token ? token : null;

    private static string? OfAuthorization(string header) =>
        header.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase) ? header[Scheme.Length..].Trim() : null;

    private static string? OfSubprotocol(UpgradeRequest request) =>
        request.Subprotocols.FirstOrDefault(WebSocketHandshake.IsToken)?[WebSocketHandshake.TokenSubprotocol.Length..];

    private static string? OfQuery(UpgradeRequest request) =>
        request.Query().TrimStart('?').Split('&').FirstOrDefault(pair => pair.StartsWith(Parameter, StringComparison.Ordinal)) is { } found
            ? Uri.UnescapeDataString(found[Parameter.Length..])
            : null;
}
