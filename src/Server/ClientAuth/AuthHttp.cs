namespace Relay.ClientAuth;

/// <summary>HTTP to those who know about tokens. Redirects are not followed: a token would go to somebody whom the operator has not named.</summary>
internal static class AuthHttp
{
    public static HttpClient Create(int maxConnections, int maxAnswerBytes) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        PooledConnectionLifetime = TimeSpan.FromMinutes(2),
        MaxConnectionsPerServer = maxConnections,
        MaxResponseHeadersLength = 16,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = maxAnswerBytes,
    };

    /// <summary>Why a request has failed. The kind and not the text, which may quote what the other side sent.</summary>
    public static string Reason(Exception exception) => exception switch
    {
        OperationCanceledException => "no answer in time",
        HttpRequestException { HttpRequestError: HttpRequestError.NameResolutionError } => "its name has no address",
        HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } => "its certificate is not valid",
        HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } => "its answer is too long",
        HttpRequestException { HttpRequestError: HttpRequestError.ConnectionError } => "no connection",
        HttpRequestException { HttpRequestError: var other } => $"{other}",
        _ => exception.Message,
    };
}
