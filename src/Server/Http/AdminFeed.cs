using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.AdminAuth;
using Relay.Policy;
using Relay.Sessions;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.Http;

/// <summary>
/// /admin/ws, by which the admin page of the reference server watches: its token is checked before the upgrade, and every second. Its sockets are no clients,
/// and are bounded by limits of their own.
/// </summary>
internal sealed class AdminFeed(
    AdminFeedTokens tokens, AdminFeedMessages messages, AdminFeedStatistics counts, ClientAddressResolver origins, LimitPolicyStore policies, AdmissionOptions admission, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private const int MaxSockets = 16;
    private const int MaxPerAddress = 4;
    private const string Bearer = "Bearer ";

    // The framework's own: whoever does not answer a ping in time is gone.
    private static readonly WebSocketCreationOptions Sockets = new() { IsServer = true, KeepAliveInterval = TimeSpan.FromSeconds(30), KeepAliveTimeout = TimeSpan.FromSeconds(30) };

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly List<AdminFeedSocket> _open = [];
    private bool _isStopping;

    /// <summary>When false the path does not exist: the caller answers 404.</summary>
    public bool IsOn => tokens.IsOn;

    public async Task HandleAsync(HttpContext context)
    {
        var connection = context.Features.Get<KestrelConnection>();
        var upgrade = context.Features.Get<IHttpUpgradeFeature>();
        var request = Read(context, connection, upgrade is { IsUpgradableRequest: true });
        if (WebSocketHandshake.Check(request) is { } answer)
        {
            await KestrelUpgrade.AnswerAsync(context, answer);
        }
        else if (TokenOf(context.Request) is not { } text)
        {
            await RejectAsync(context, "Unauthorized");
        }
        else if (await tokens.FindAsync(text) is not { } token)
        {
            await RejectAsync(context, "Invalid or expired token");
        }
        else if (!TryEnter(token, SessionEndpoint.ResolveAddress(request, origins).Address.TruncateIpv6(policies.Current.Ipv6Prefix), out var socket))
        {
            counts.Rejected(AdminFeedStatistics.Limit);
            await KestrelUpgrade.AnswerAsync(context, HttpAnswer.RetryLater(StatusCodes.Status503ServiceUnavailable, "Too many admin pages", admission.RetryAfter));
        }
        else
        {
            try
            {
                connection?.FinishHandshake();
                await RunAsync(context, upgrade!, request, socket);
            }
            finally
            {
                Leave(socket);
            }
        }
    }

    /// <summary>Every second: closes those whose token is valid no longer, and sends what is new to the others.</summary>
    public void Tick()
    {
        var open = Open();
        if (IsOn)
        {
            messages.Count();
        }

        if (open.Count == 0)
        {
            return;
        }

        var news = messages.News();
        foreach (var socket in open)
        {
            if (!tokens.IsStillValid(socket.Token))
            {
                socket.Close(4401, "Invalid or expired token");
            }

            socket.Tick(news);
        }
    }

    /// <summary>The relay stops: nobody comes in any more.</summary>
    public void CloseAll()
    {
        lock (_lock)
        {
            _isStopping = true;
        }

        Open().ForEach(socket => socket.Close((int)WebSocketCloseStatus.EndpointUnavailable, "Server shutting down"));
    }

    private static UpgradeRequest Read(HttpContext context, KestrelConnection? connection, bool isUpgrade) => new(
        context.Request.Method,
        name => context.Request.Headers[name],
        IpKey.From(context.Connection.RemoteIpAddress ?? IPAddress.None),
        connection?.Claim ?? default,
        connection?.ClientAddress ?? ClientAddressRule.Default,
        () => context.Request.QueryString.Value ?? "",
        isUpgrade);

    // Browsers cannot send a header of their own with a WebSocket.
    private static string? TokenOf(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? header[Bearer.Length..].Trim()
        : request.Query["token"] is [{ Length: > 0 } text, ..] ? text
        : null;

    private Task RejectAsync(HttpContext context, string error)
    {
        counts.Rejected(AdminFeedStatistics.Unauthorized);
        context.Response.StatusCode = StatusCodes.Status401Unauthorized;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(new AdminFeedError(false, error), AdminFeedJson.Default.AdminFeedError);
    }

    private async Task RunAsync(HttpContext context, IHttpUpgradeFeature upgrade, UpgradeRequest request, AdminFeedSocket socket)
    {
        var response = context.Response.Headers;
        (response.Upgrade, response.Connection, response.SecWebSocketAccept) = ("websocket", "Upgrade", WebSocketHandshake.AcceptKey(request));
        if (request.Subprotocol is { } subprotocol)
        {
            response.SecWebSocketProtocol = subprotocol;
        }

        try
        {
            await using var stream = await upgrade.UpgradeAsync();
            using var webSocket = WebSocket.CreateFromStream(stream, Sockets);
            await socket.RunAsync(webSocket, messages.Greeting(), context.Abort);
        }
        catch (Exception exception) when (AdminFeedSocket.IsGone(exception))
        {
            // Before it began.
        }
    }

    private bool TryEnter(in AdminFeedToken token, IpKey address, out AdminFeedSocket socket)
    {
        socket = new AdminFeedSocket(token, address, messages, time);
        lock (_lock)
        {
            if (_isStopping || _open.Count >= MaxSockets || _open.Count(other => other.Address == address) >= MaxPerAddress)
            {
                return false;
            }

            _open.Add(socket);
            counts.Open = _open.Count;
            return true;
        }
    }

    private void Leave(AdminFeedSocket socket)
    {
        lock (_lock)
        {
            _open.Remove(socket);
            counts.Open = _open.Count;
        }
    }

    private List<AdminFeedSocket> Open()
    {
        lock (_lock)
        {
            return [.. _open];
        }
    }
}
