using System.Text;

namespace Relay.AdminCli;

/// <summary>Where the relay's admin listener is.</summary>
/// <param name="Channel">What the gRPC channel is opened on; for a socket only a name for the HTTP/2 authority.</param>
/// <param name="SocketPath">The Unix socket; null where the relay is reached over TCP.</param>
internal sealed record ServerAddress(Uri Channel, string? SocketPath)
{
    public const string AcceptedForms = "unix:/path/admin.sock, /path/admin.sock, http://host:port or https://host:port";

    // sockaddr_un has 108 bytes with the closing zero.
    private const int MaxSocketPath = 107;
    private static readonly Uri SocketChannel = new("http://localhost");

    public static ServerAddress OfSocket(string path) => new(SocketChannel, path);

    /// <summary>Reads what the operator wrote; <paramref name="problem"/> is a sentence to show.</summary>
    public static ServerAddress? Parse(string text, string source, out string? problem)
    {
        problem = null;
        if (SocketPathIn(text) is { } path)
        {
            if (Encoding.UTF8.GetByteCount(path) <= MaxSocketPath)
            {
                return OfSocket(path);
            }

            problem = $"{source}: a socket's path may have {MaxSocketPath} bytes at most, this one has {Encoding.UTF8.GetByteCount(path)}.";
            return null;
        }

        if (Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && IsBare(uri))
        {
            return new ServerAddress(uri, null);
        }

        problem = $"{source}: '{Printable.Clean(text)}' is not an address. Accepted: {AcceptedForms}.";
        return null;
    }

    public bool IsTls => Channel.Scheme == Uri.UriSchemeHttps;

    /// <summary>True when the connection is private: TLS, or this machine.</summary>
    public bool IsPrivate => IsTls || Channel.IsLoopback;

    public override string ToString() => SocketPath is null ? Channel.GetLeftPart(UriPartial.Authority) : $"unix:{Printable.Clean(SocketPath)}";

    private static string? SocketPathIn(string text)
    {
        // gRPC's own spelling, unix:///path, is understood as well.
        var path = text.StartsWith("unix:///", StringComparison.Ordinal) ? text["unix://".Length..]
            : text.StartsWith("unix:", StringComparison.Ordinal) ? text["unix:".Length..]
            : text;
        return path.Length > 1 && path[0] == '/' && path[1] != '/' && !path.Contains('\0') ? path : null;
    }

    private static bool IsBare(Uri uri) =>
        uri.Host.Length > 0 && uri.UserInfo.Length == 0 && uri.Query.Length == 0 && uri.Fragment.Length == 0 && uri.AbsolutePath == "/";
}
