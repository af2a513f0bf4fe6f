using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Channels;

/// <summary>Channels: one owner, many subscribers.</summary>
internal sealed class ChannelOptions
{
    /// <summary>Channels that one socket may own.</summary>
    internal int OwnedPerSocket { get; set; } = 20;

    /// <summary>Channels that one socket may subscribe to.</summary>
    internal int SubscriptionsPerSocket { get; set; } = 100;

    /// <summary>Upstream messages of one socket per minute, as a token bucket of this size.</summary>
    [Range(1, 100_000)]
    public int UpstreamPerMinute { get; set; } = 30;

    /// <summary>Upstream messages that wait for an owner that is away or busy, per channel; one more drops one of the address that has most of them waiting.</summary>
    internal int UpstreamQueue { get; set; } = 100;

    /// <summary>The same in bytes, with 256 for the bookkeeping of each: as much as an owner's outgoing queue takes of them at once.</summary>
    internal int UpstreamQueueBytes { get; set; } = 512 * 1024;

    /// <summary>The same for all channels together.</summary>
    internal int UpstreamTotalBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>How long an upstream message waits for its owner.</summary>
    [DurationRange("1s", "1d")]
    public TimeSpan UpstreamLifetime { get; set; } = TimeSpan.FromMinutes(5);
}
