using System.Diagnostics.CodeAnalysis;

namespace Relay.Cluster;

/// <summary>Where a NATS server is, and who the relay is to it.</summary>
internal sealed record NatsAddress(string Url, bool IsTls, string? User, string? Password)
{
    private const int Port = 4222;

    /// <summary>`nats://[user[:password]@]host[:port]`, or with `tls://`.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out NatsAddress? address)
    {
        address = null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Scheme is not ("nats" or "tls") || uri.Host.Length == 0
            || uri.PathAndQuery is not ("" or "/") || uri.Fragment.Length > 0)
        {
            return false;
        }

        var user = uri.UserInfo.Split(':', 2);
        address = new NatsAddress(
            $"{uri.Scheme}://{uri.Host}:{(uri.Port > 0 ? uri.Port : Port)}",
            uri.Scheme == "tls",
            user[0].Length > 0 ? Uri.UnescapeDataString(user[0]) : null,
            user.Length > 1 ? Uri.UnescapeDataString(user[1]) : null);
        return true;
    }

    /// <summary>For logs and messages, also of what is no address.</summary>
    public static string WithoutPassword(string text)
    {
        var scheme = text.IndexOf("://", StringComparison.Ordinal);
        var start = scheme < 0 ? 0 : scheme + 3;
        var at = text.LastIndexOf('@');
        return at < start ? text : text[..start] + "..." + text[at..];
    }
}
