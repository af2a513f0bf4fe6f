using System.Text.Json.Serialization;
using Relay.Addresses;
using Relay.Admin;
using Relay.Admission;
using Relay.Cluster;
using Relay.Federation;
using Relay.Identity;

namespace Relay.Http;

/// <summary>/health, /ready and /stats.</summary>
internal sealed class StatusPages(
    ServerSnapshot snapshot, ProxyMisconfiguration warning, RelayState state, ServerIdentity identity, IdentityOptions options, ClusterOptions cluster, ClusterBus bus,
    FederationOptions federation)
{
    public Task HealthAsync(HttpContext context) =>
        AnswerAsync(context, StatusCodes.Status200OK, new HealthPage("healthy", identity.ServerId), PageJson.Default.HealthPage);

    public Task ReadyAsync(HttpContext context) => AnswerAsync(
        context,
        state.Phase == RelayPhase.Serving && !IsCutOff ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable,
        new ReadyPage(state.Phase == RelayPhase.Serving && IsCutOff ? "cluster_away" : state.Name),
        PageJson.Default.ReadyPage);

    // Who must not count alone takes no new clients from the load balancer until NATS is back.
    private bool IsCutOff => cluster is { IsOn: true, Required: true } && !bus.IsUp;

    public Task StatsAsync(HttpContext context)
    {
        var stats = snapshot.Read();
        var page = new StatsPage(
            identity.ServerId,
            identity.NodeId,
            options.Endpoint,
            options.Region is { Length: > 0 } region ? region : null,
            Math.Round(snapshot.Uptime.TotalSeconds, 3),
            stats.Connections.Current + stats.Connections.Uncounted,
            stats.Connections.Relay,
            stats.Connections.Signaling,
            stats.Pairing.ActiveCodes,
            stats.Pairing.CollisionRisk,
            stats.Peers.Authenticated,
            warning.Current != ProxyWarnings.None,
            stats.Connections.Uncounted,
            federation.IsOn ? new FederationPart(stats.Peers.Members, stats.Peers.Unlinked, Math.Round(stats.Peers.RingShare, 4)) : null);
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

/// <summary>GET /ready: whether new connections are to be sent here: "starting", "ready", "draining", or "cluster_away" where <see cref="ClusterOptions.Required"/>.</summary>
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
    long Uncounted,
    FederationPart? Federation);

/// <summary>Of /stats where federation is on: other servers by state, those of them that are dialled and have no link now, and the part of the ring that is ours, 0 to 1.</summary>
internal readonly record struct FederationPart(IDictionary<string, long> Members, long Unlinked, double RingShare);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HealthPage))]
[JsonSerializable(typeof(ReadyPage))]
[JsonSerializable(typeof(StatsPage))]
internal sealed partial class PageJson : JsonSerializerContext;
