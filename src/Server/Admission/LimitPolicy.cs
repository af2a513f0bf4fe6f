namespace Relay.Admission;

/// <summary>The limits in force, replaced whole and never changed. A decision reads exactly one of them.</summary>
/// <param name="Total">Client sockets in all, 1 to 1,000,000.</param>
/// <param name="PerIp">Client sockets per address, 1 to 1,000,000.</param>
/// <param name="Ipv6Prefix">Bits of an IPv6 address that make its key; fixed while the relay runs, because live keys were made with it.</param>
/// <param name="Revision">Counts up by one with each change, 1 at start.</param>
internal sealed record LimitPolicy(int Total, int PerIp, int Ipv6Prefix, long Revision);

/// <summary>A change to the limits; null leaves one as it is.</summary>
internal sealed record LimitChange(int? Total, int? PerIp, long? ExpectedRevision);

/// <summary>What became of a change.</summary>
/// <param name="Stale">True when the expected revision was not the one in force; nothing was changed.</param>
internal readonly record struct LimitChangeResult(bool Stale, LimitPolicy Before, LimitPolicy After);
