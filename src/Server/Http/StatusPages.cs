using System.Text.Json.Serialization;
using Relay.Addresses;
using Relay.Admin;
using Relay.Admission;
using Relay.Identity;

namespace Relay.Http;

/// <summary>/health, /ready and /stats.</summary>
internal sealed class StatusPages(ServerSnapshot snapshot, ProxyMisconfiguration warning, RelayState state, ServerIdentity identity, IdentityOptions options)
{
    public Task HealthAsync(HttpContext context) =>
        AnswerAsync(context, StatusCodes.Status200OK, new HealthPage("healthy", identity.ServerId), PageJson.Default.HealthPage);

    public Task ReadyAsync(HttpContext context) => AnswerAsync(
        context,
        state.Phase == RelayPhase.Serving ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
        new ReadyPage(state.Name),
        PageJson.Default.ReadyPage);

    public Task StatsAsync(HttpContext context)
    {
        var stats = snapshot.Read();
        var page = new StatsPage(
            identity.ServerId,
            identity.NodeId,
            options.PublicEndpoint,
            options.Region is { Length: > 0 } region ? region : null,
            Math.Round(snapshot.Uptime.TotalSeconds, 3),
            stats.Connections.Current + stats.Connections.Uncounted,
            stats.Connections.Relay,
            stats.Connections.Signaling,
            stats.Pairing.ActiveCodes,
            stats.Pairing.CollisionRisk,
            stats.Peers.Authenticated,
            warning.Current != ProxyWarnings.None,
            stats.Connections.Uncounted);
        return AnswerAsync(context, StatusCodes.Status200OK, page, PageJson.Default.StatsPage);
    }

    private static Task AnswerAsync<T>(
        HttpContext context, int status, T page, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.CacheControl = "no-store";
        return context.Response.WriteAsJsonAsync(page, type);
    }
}

/// <summary>GET /health: the process answers.</summary>
internal sealed record HealthPage(string Status, string ServerId);

/// <summary>GET /ready: whether new connections are taken.</summary>
internal sealed record ReadyPage(string Status);

/// <summary>GET /stats. Uptime is in seconds; connections counts live client connections, uncounted those of them
/// that belong to unlimited networks and count against no limit, peers authenticated server links; suspectedProxy says that addresses are probably found wrongly.</summary>
internal sealed record StatsPage(
    string ServerId,
    string NodeId,
    string Endpoint,
    string? Region,
    double Uptime,
    long Connections,
    long RelayConnections,
    long SignalingConnections,
    long ActiveCodes,
    string CollisionRisk,
    long Peers,
    bool SuspectedProxy,
    long Uncounted);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthPage))]
[JsonSerializable(typeof(ReadyPage))]
[JsonSerializable(typeof(StatsPage))]
internal sealed partial class PageJson : JsonSerializerContext;
