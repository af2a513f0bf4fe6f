namespace Relay.Admission;

/// <summary>Live connections that a decision is made from, or the limits that they are compared with: in total, of the key, and of the two networks that it lies in.</summary>
/// <param name="Near">The /24 of an IPv4 key, the /56 of an IPv6 key.</param>
/// <param name="Far">The /48 of an IPv6 key.</param>
internal readonly record struct LiveCounts(int Total, int Key, int Near, int Far);
