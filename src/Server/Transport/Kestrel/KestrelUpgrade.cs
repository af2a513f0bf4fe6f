using System.Net;
using System.Text;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using Relay.Addresses;

namespace Relay.Transport.Kestrel;

/// <summary>Upgrade requests that come through Kestrel.</summary>
internal static class KestrelUpgrade
{
    /// <summary>Asks what becomes of the request, and does it. Not async: whatever waits here waits for the life of the socket.</summary>
    public static Task HandleAsync(HttpContext context, ClientEntrance open)
    {
        var connection = context.Features.GetRequiredFeature<KestrelConnection>();
        var headers = context.Request.Headers;
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        var request = new UpgradeRequest(
            context.Request.Method,
            name => headers[name],
            IpKey.From(context.Connection.RemoteIpAddress ?? IPAddress.None),
            connection.Claim,
            connection.ClientAddress,
            () => context.Request.QueryString.Value ?? "",
            upgrade is { IsUpgradableRequest: true });
        var outcome = open(request, connection);
        return outcome.Pending is { } pending ? FinishAsync(context, request, connection, pending) : FinishAsync(context, request, connection, outcome);
    }

    private static async Task FinishAsync(HttpContext context, UpgradeRequest request, KestrelConnection connection, PendingUpgrade pending)
    {
        await pending.Ready;
        await FinishAsync(context, request, connection, pending.Decide());
    }

    private static Task FinishAsync(HttpContext context, UpgradeRequest request, KestrelConnection connection, UpgradeOutcome outcome)
    {
        if (outcome.Refused is { } answer)
        {
            return AnswerAsync(context, answer);
        }

        var response = context.Response.Headers;
        response.Upgrade = "websocket";
        response.Connection = "Upgrade";
        response.SecWebSocketAccept = WebSocketHandshake.AcceptKey(request);
        if (request.Subprotocol is { } subprotocol)
        {
            response.SecWebSocketProtocol = subprotocol;
        }

        // Nobody reads them again, and a browser's are a kilobyte or two that would stay for the life of the socket.
        context.Request.Headers.Clear();
        return connection.RunAsync(context.Features.GetRequiredFeature<IHttpUpgradeFeature>(), outcome.Accepted!);
    }

    /// <summary>Answers without an upgrade.</summary>
    public static Task AnswerAsync(HttpContext context, HttpAnswer answer)
    {
        context.Response.StatusCode = answer.Status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        if (answer.HeaderName.Length > 0)
        {
            context.Response.Headers[answer.HeaderName] = answer.HeaderValue;
        }

        // RFC 9110 section 7.8: an Upgrade header is for the next hop alone, and Connection says so.
        if (answer.HeaderName == "Upgrade")
        {
            context.Response.Headers.Append(HeaderNames.Connection, "Upgrade");
        }

        var body = Encoding.UTF8.GetBytes(answer.Text + "\n");
        context.Response.ContentLength = body.Length;
        return context.Response.Body.WriteAsync(body).AsTask();
    }
}
