using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>A message of another node.</summary>
/// <param name="Envelope">What it says and who sent it, checked as far as everything is.</param>
/// <param name="ReplyTo">Where its sender waits for an answer; null: it does not.</param>
internal readonly record struct ClusterMessage(Envelope Envelope, string? ReplyTo);
