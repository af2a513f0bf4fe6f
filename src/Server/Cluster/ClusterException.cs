namespace Relay.Cluster;

/// <summary>The relay cannot take part in its cluster; the message says why and what to do.</summary>
internal sealed class ClusterException(string message, Exception? inner = null) : Exception(message, inner);
