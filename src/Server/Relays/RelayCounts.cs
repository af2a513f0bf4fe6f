using Relay.Addresses;

namespace Relay.Relays;

/// <summary>Relays registered, and those of them that are offered because they are not busy.</summary>
internal readonly record struct RelayCounts(int Relays, int Offered);

/// <summary>One relay as an operator sees it.</summary>
internal sealed record RelaySnapshot(
    string PeerId, IpKey Key, double ConnectedCount, double MaxConnections, bool Offered, DateTimeOffset RegisteredAt, DateTimeOffset LastSeen);
