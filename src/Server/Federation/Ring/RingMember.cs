namespace Relay.Federation.Ring;

/// <summary>A server that owns a part of the ring, with its positions on it, which cost some microseconds each: keep it while the server is there.</summary>
internal sealed class RingMember
{
    /// <param name="nodeId">From the server's key, never what others say of it: all must agree.</param>
    /// <param name="virtualNodes">Positions beside that of the node id.</param>
    public RingMember(string serverId, string nodeId, string endpoint, int virtualNodes)
    {
        ServerId = serverId;
        Endpoint = endpoint;
        Positions =
        [
            RingPosition.Of(nodeId),
            .. Enumerable.Range(0, virtualNodes).Select(i => RingPosition.Of(FormattableString.Invariant($"{serverId}:{i}"))),
        ];
    }

    public string ServerId { get; }

    public string Endpoint { get; }

    public IReadOnlyList<RingPosition> Positions { get; }
}
