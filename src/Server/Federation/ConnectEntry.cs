namespace Relay.Federation;

/// <summary>One entry of Federation:Connect. <paramref name="ServerId"/>: who must answer there; null: whoever does.</summary>
internal sealed record ConnectEntry(string? ServerId, string Endpoint)
{
    /// <summary>Null: it is none.</summary>
    public static ConnectEntry? Parse(string text)
    {
        var at = text.IndexOf('@', StringComparison.Ordinal);
        var (id, endpoint) = at < 0 ? (null, text) : (text[..at], text[(at + 1)..]);
        if (!Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) || uri.Scheme is not ("ws" or "wss") || uri.UserInfo.Length > 0 || uri.Fragment.Length > 0)
        {
            return null;
        }

        return id is null ? new ConnectEntry(null, endpoint)
            : Identity.ServerId.TryParse(id, out var key) ? new ConnectEntry(Identity.ServerId.Format(key), endpoint)
            : null;
    }
}
