namespace Relay.Channels;

/// <summary>
/// Channels that exist, those with an owner, those with a live stream, subscriptions in total, upstream messages that wait and
/// their bytes; and so far: frames sent to subscribers, frames dropped for slow ones, upstream messages dropped.
/// </summary>
internal readonly record struct ChannelCounts(
    int Channels, int Owned, int Live, int Subscriptions, int Waiting, long WaitingBytes, long FramesSent, long FramesDropped, long UpstreamDropped);

/// <summary>One channel as an operator sees it.</summary>
internal sealed record ChannelSnapshot(
    string ChannelId, bool HasOwner, bool IsLive, int Subscribers, int Waiting, long FramesSent, long FramesDropped, DateTimeOffset CreatedAt);
