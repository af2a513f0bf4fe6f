namespace Relay.Cluster;

/// <summary>This relay to the others of its cluster.</summary>
internal sealed class ClusterNode(ClusterOptions options, TimeProvider time)
{
    /// <summary>What the messages of this version of the relay are. One higher when an older node would misunderstand.</summary>
    public const uint Version = 1;

    public string Name => options.NodeName;

    /// <summary>
    /// Microseconds since 1970 at the start, so that a node which was started again has a higher one than before; the last part is by chance, for two that
    /// are started in the same moment.
    /// </summary>
    public ulong Epoch { get; } = (ulong)(time.GetUtcNow() - DateTimeOffset.UnixEpoch).TotalMicroseconds / 1000 * 1000 + (ulong)Random.Shared.Next(1000);
}
