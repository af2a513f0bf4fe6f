using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.AuditLog;
using Relay.Clients;
using Relay.Configuration;
using Relay.Federation;
using Relay.Identity;
using Relay.Policy;
using Relay.Signaling;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Relay.Admin;

/// <summary>What gRPC, /stats and /metrics all show, read from the owners of the figures.</summary>
internal sealed class ServerSnapshot(
    ConnectionLedger ledger,
    LimitPolicyStore policies,
    LedgerReconciler audit,
    AuditRecorder auditFile,
    ClientDirectory presence,
    PendingRequests pending,
    PeerTable peers,
    ProxyMisconfiguration warning,
    ProxyHeaderReader proxyHeaders,
    FeatureMapper features,
    OverloadMonitor overload,
    HandshakeGuard handshakes,
    MemoryCeiling memory,
    RelayMetrics metrics,
    RelayState state,
    ServerIdentity identity,
    TimeProvider time)
{
    private readonly long _started = time.GetTimestamp();

    public TimeSpan Uptime => time.GetElapsedTime(_started);

    public Stats Read()
    {
        var totals = ledger.Totals();
        var figures = presence.Figures();
        var stats = new Stats
        {
            Time = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
            ServerId = identity.ServerId,
            Version = ServerCommand.Version,
            Uptime = Duration.FromTimeSpan(Uptime),
            State = state.Name,
            Connections = new Connections
            {
                Current = totals.Live,
                Peak = totals.Peak,
                Addresses = totals.KeysHolding,
                AdmittedTotal = totals.Admitted,
                Signaling = figures.Codes,
                Relay = figures.PeerIds,
                Uncounted = totals.Uncounted,
            },
            Limits = Limits(policies.Current),
            Refused = new Refusals
            {
                TotalLimit = totals.RefusedBy(Refusal.TotalLimit),
                PerIpLimit = totals.RefusedBy(Refusal.PerIpLimit),
                Stopping = totals.RefusedBy(Refusal.Stopping),
                ByReason = { Rejections.All.Where(row => totals.RefusedBy(row.Reason) > 0).ToDictionary(row => row.Label, row => totals.RefusedBy(row.Reason)) },
            },
            Pairing = new Pairing
            {
                ActiveCodes = figures.Codes,
                PeakActiveCodes = figures.PeakCodes,
                RegistrationsTotal = figures.CodeRegistrations,
                CollisionsTotal = figures.Collisions,
                PendingRequests = pending.Count(RequestKind.Pair),
                PendingLinks = pending.Count(RequestKind.Link),
                CollisionRisk = figures.CollisionRisk,
            },
            Traffic = new Traffic
            {
                MessagesReceivedTotal = metrics.MessagesReceived,
                MessagesSentTotal = metrics.MessagesSent,
                BytesReceivedTotal = metrics.BytesReceived,
                BytesSentTotal = metrics.BytesSent,
                QueuedMessages = metrics.Queued,
                RateLimitedTotal = metrics.RateLimited,
            },
            Peers = new Peers
            {
                Authenticated = peers.AuthenticatedCount,
                Pending = peers.PendingCount,
                GossipIgnoredTotal = metrics.GossipIgnored,
                RefusedTotal = { metrics.PeerRefusalsByReason().ToDictionary() },
            },
            Process = ProcessFigures.Read(),
            Ledger = new LedgerStatus
            {
                Time = audit.Last is { } last ? Timestamp.FromDateTimeOffset(last.Time) : null,
                Drift = audit.Last?.Drift ?? 0,
                RunsTotal = audit.Runs,
                DriftsTotal = audit.Drifts,
            },
            AuditFile = new AdminApi.AuditFile
            {
                Failing = auditFile.IsFailing,
                WrittenTotal = auditFile.Written,
                FailedTotal = auditFile.Failed,
                OmittedTotal = auditFile.Omitted,
            },
            ClientAddress = new ClientAddressStats
            {
                Warnings = { ProxyMisconfiguration.Names(warning.Current).Where(name => name.IsOn).Select(name => name.Name) },
                UpgradesTotal = { warning.BySource().ToDictionary() },
                ProxyHeadersTotal = { proxyHeaders.Counts().Where(count => count.Value > 0).ToDictionary() },
            },
            Overload = new OverloadStatus
            {
                Level = OverloadLevels.Name(overload.OverloadLevel),
                Pinned = overload.Pinned is not null,
                RefusedPerSecond = overload.RefusedPerSecond,
                CpuPercent = overload.CpuPercent,
                RejectionsTotal = { overload.Counts().Where(count => count.Value > 0).ToDictionary() },
            },
            Handshakes = new Handshakes
            {
                Pending = handshakes.Count,
                Limit = handshakes.Max,
                RejectedTotal = { handshakes.Counts().Where(count => count.Value > 0).ToDictionary() },
            },
            Capacity = CapacityOf(policies.Current, totals.Ceiling),
            Relays = features.Relays(),
            Rendezvous = features.Rendezvous(),
            Channels = features.Channels(),
            Chunks = features.Chunks(),
            Storage = features.Storage(),
            Attestation = features.Attestation(),
        };
        stats.Connections.ClosedTotal.Add(metrics.ClosedByReason().ToDictionary());
        return stats;
    }

    private Capacity CapacityOf(LimitPolicy policy, Ceiling ceiling) => new()
    {
        EffectiveTotal = Math.Min(policy.Total, ceiling.Value),
        Cause = ceiling.Value < policy.Total ? ceiling.Cause : "limit",
        ByFiles = ceiling.ByFiles == int.MaxValue ? 0 : ceiling.ByFiles,
        ByMemory = ceiling.ByMemory == int.MaxValue ? 0 : ceiling.ByMemory,
        BytesPerConnection = memory.BytesPerConnection,
        MemoryLimitBytes = memory.Last.Limit,
        MemoryAvailableBytes = memory.Last.Available,
    };

    public static AdminApi.Limits Limits(LimitPolicy policy) => new()
    {
        Total = policy.Total,
        PerIp = policy.PerIp,
        Ipv6Prefix = policy.Ipv6Prefix,
        Revision = policy.Revision,
    };
}
