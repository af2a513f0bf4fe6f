using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;

namespace AdminCli.Tests.Support;

/// <summary>Snapshots of relays that never ran.</summary>
internal static class Snapshots
{
    public static Stats InUse()
    {
        var stats = Full();
        stats.Relays = new RelayStats { Registered = 100, Offered = 80 };
        stats.Rendezvous = new RendezvousStats { DailyPoints = 1_200, HourlyTokens = 34, MatchesTotal = 5, DropsDeliveredTotal = 6 };
        stats.Channels = new ChannelStats { Channels = 12, Owned = 9, Live = 2, Subscriptions = 345, FramesSentTotal = 6_789 };
        stats.Chunks = new ChunkStats { Cached = 10, CachedBytes = 1_572_864, Known = 20, Sources = 30, Pulls = 1, ServedFromCacheTotal = 400, ServedBySourceTotal = 50 };
        stats.Attestation = new AttestationStats { Open = 1, RequestsTotal = { ["answered"] = 90, ["timed_out"] = 2 } };
        stats.Storage = new StorageStats { Waiting = 3, OperationsTotal = 5_000, CommitsTotal = 600, FileBytes = 7_340_032 };
        return stats;
    }

    public static Stats Guarded()
    {
        var stats = Full();
        stats.Refused.ByReason.Add(new Dictionary<string, long> { ["total_limit"] = 12, ["per_ip_limit"] = 3_400, ["banned"] = 70, ["rate"] = 20 });
        stats.Overload = new OverloadStatus { Level = "elevated", Pinned = true, RefusedPerSecond = 1_234, CpuPercent = 34.6, RejectionsTotal = { ["close_frame"] = 500, ["http_status"] = 40 } };
        stats.Handshakes = new Handshakes { Pending = 12, Limit = 4_096, RejectedTotal = { ["timeout"] = 3_000, ["per_ip"] = 400 } };
        stats.Capacity = new Capacity { EffectiveTotal = 9_200, Cause = "memory" };
        return stats;
    }

    /// <summary>The sum of these nodes, each as <see cref="Full"/>.</summary>
    public static Stats OfNodes(params IReadOnlyList<string> nodes)
    {
        var stats = Full();
        stats.Cluster = new ClusterStats { Name = "relay", Nodes = nodes.Count - 1, ByNode = { nodes.Select((node, i) => new NodeStats { Node = node, Self = i == 0, Stats = Full() }) } };
        return stats;
    }

    public static Stats Full() => new()
    {
        Time = new Timestamp { Seconds = 1_777_593_610 },
        ServerId = "ed25519:AbC",
        Version = "0.1.0",
        Uptime = new Duration { Seconds = 273_900 },
        State = "ready",
        Connections = new Connections { Current = 9_812, Peak = 10_000, Addresses = 1_204, AdmittedTotal = 123_456, Signaling = 9_700, Relay = 100, ClosedTotal = { ["client"] = 120, ["idle"] = 33, ["never"] = 0 } },
        Limits = new Limits { Total = 10_000, PerIp = 50, Ipv6Prefix = 64, Revision = 4 },
        Refused = new Refusals { TotalLimit = 12, PerIpLimit = 3_400 },
        Pairing = new Pairing { ActiveCodes = 1_200, PeakActiveCodes = 1_300, RegistrationsTotal = 12_000, CollisionsTotal = 2, PendingRequests = 4, PendingLinks = 2, CollisionRisk = "low" },
        Traffic = new Traffic { MessagesReceivedTotal = 1_234_567, MessagesSentTotal = 1_234_000, BytesReceivedTotal = 1_288_490_188, BytesSentTotal = 1_181_116_006, QueuedMessages = 7, RateLimitedTotal = 9, DroppedTotal = 4 },
        Peers = new Peers { Authenticated = 3, Pending = 1, GossipIgnoredTotal = 5, RefusedTotal = { ["bad_signature"] = 2 } },
        Process = new Process { ResidentBytes = 222_298_112, HeapBytes = 83_886_080, CpuTime = new Duration { Seconds = 63 }, OpenFiles = 412, OpenFilesLimit = 65_536, Threads = 31, CollectionsGen2 = 12 },
        Ledger = new LedgerStatus { Time = new Timestamp { Seconds = 1_777_593_606 }, RunsTotal = 12 },
    };
}
