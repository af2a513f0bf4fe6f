using Relay.Federation;
using Relay.Sessions;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.Http;

/// <summary>
/// What the public listeners answer, and of it that of the status pages. Paths are exact and case-sensitive, queries are ignored. A WebSocket on any path that
/// is not listed here is a client.
/// </summary>
internal sealed class PublicEndpoints(SessionEndpoint sessions, PeerEndpoint peers, StatusPages pages, AdminFeed feed, HttpOptions options)
{
    public Task HandleAsync(HttpContext context, RequestDelegate metrics)
    {
        if (IsRead(context) && HttpSetup.HasBody(context.Request))
        {
            return TextAsync(context, StatusCodes.Status413PayloadTooLarge, "No request here has a body");
        }

        var path = context.Request.Path.Value;
        var isStatus = context.Features.Get<StatusListener>() is not null;
        switch (path)
        {
            case PublicPaths.Stats when !isStatus && !options.PublicStats:
            case PublicPaths.Metrics when !isStatus && !options.PublicMetrics:
                return NotFoundAsync(context);
            case PublicPaths.Health or PublicPaths.Ready or PublicPaths.Stats or PublicPaths.Metrics:
                return IsRead(context) ? PageAsync(context, path, metrics) : NotAllowedAsync(context);
            // It is where the status pages have a listener of their own, if they have.
            case PublicPaths.AdminWebSocket when feed.IsOn && isStatus == (options.ListenEndPoint is not null) && IsWebSocket(context):
                return feed.HandleAsync(context);
            case var _ when isStatus:
                return NotFoundAsync(context);
            case PublicPaths.Federation or PublicPaths.Server:
                return peers.IsOn && IsWebSocket(context) ? KestrelUpgrade.HandleAsync(context, peers.Open) : NotFoundAsync(context);
            case PublicPaths.AdminWebSocket:
                return NotFoundAsync(context);
            default:
                return IsWebSocket(context)
                    ? KestrelUpgrade.HandleAsync(context, sessions.Open)
                    : IsRead(context) ? KestrelUpgrade.AnswerAsync(context, WebSocketHandshake.UpgradeRequired)
                    : NotAllowedAsync(context);
        }
    }

    private Task PageAsync(HttpContext context, string path, RequestDelegate metrics) => path switch
    {
        PublicPaths.Health => pages.HealthAsync(context),
        PublicPaths.Ready => pages.ReadyAsync(context),
        PublicPaths.Stats => pages.StatsAsync(context),
        _ => metrics(context),
    };

    private static bool IsWebSocket(HttpContext context) =>
        WebSocketHandshake.IsRequested(HttpProtocol.IsHttp11(context.Request.Protocol), context.Request.Headers.Upgrade);

    private static bool IsRead(HttpContext context) =>
        HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method);

    private static Task NotAllowedAsync(HttpContext context)
    {
        context.Response.Headers.Allow = "GET, HEAD";
        return TextAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
    }

    private static Task NotFoundAsync(HttpContext context) => IsRead(context)
        ? TextAsync(context, StatusCodes.Status404NotFound, "Not Found")
        : NotAllowedAsync(context);

    private static Task TextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text);
    }
}
