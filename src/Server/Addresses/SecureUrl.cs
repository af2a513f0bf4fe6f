namespace Relay.Addresses;

/// <summary>Addresses that secrets may be sent to: https, or http on this host, without a password in them.</summary>
internal static class SecureUrl
{
    public static bool Is(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri)
        && uri.UserInfo.Length == 0
        && (uri.Scheme == Uri.UriSchemeHttps || (uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback));
}
