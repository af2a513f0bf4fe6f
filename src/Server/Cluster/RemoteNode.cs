namespace Relay.Cluster;

/// <summary>Another relay of the cluster, as it was heard last. Who speaks is not believed further than its bounds.</summary>
internal sealed record RemoteNode(string Name, ulong Epoch)
{
    /// <summary>Its messages are too old or too new to be understood, and are ignored.</summary>
    public bool IsIncompatible { get; init; }

    /// <summary>Of its messages, <see cref="ClusterNode.Version"/>.</summary>
    public uint MessageVersion { get; init; }

    /// <summary>Of the program; empty: not known.</summary>
    public string ProductVersion { get; init; } = "";

    /// <summary>"starting", "ready", "draining", "incompatible" or "unknown".</summary>
    public string State { get; init; } = "unknown";

    public long Clients { get; init; }

    public long Peers { get; init; }

    public long TotalLimit { get; init; }

    public long PolicyRevision { get; init; }

    public long RefusedTotal { get; init; }

    /// <summary>"up", "away", or empty: it does not say.</summary>
    public string Database { get; init; } = "";

    /// <summary>Since its last heartbeat.</summary>
    public TimeSpan Silent { get; init; }

    /// <summary>How far its clock is ahead of this relay's; the time that the fastest of its latest heartbeats took makes it seem later.</summary>
    public TimeSpan ClockOffset { get; init; }

    /// <summary>How much longer its last heartbeat took than the fastest of the latest.</summary>
    public TimeSpan Lag { get; init; }
}
