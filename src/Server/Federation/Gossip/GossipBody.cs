namespace Relay.Federation.Gossip;

/// <summary>What a gossip message says: its subtype and payload.</summary>
internal abstract record GossipBody(string Subtype);

/// <summary>Are you there?</summary>
internal sealed record Ping() : GossipBody("ping");

/// <summary>
/// I am there. With <paramref name="Target"/> it is the answer to a <see cref="PingRequest"/> that asked for one: that member is there.
/// </summary>
/// <param name="Incarnation">Of the sender.</param>
/// <param name="Target">Id of another server, or null.</param>
internal sealed record PingAck(long Incarnation, string? Target = null) : GossipBody("ping_ack");

/// <summary>Ping that server for me.</summary>
/// <param name="Report">The sender understands a <see cref="PingAck"/> with a target.</param>
internal sealed record PingRequest(string Target, bool Report) : GossipBody("ping_req");

/// <summary>The sender is a member, at this endpoint.</summary>
internal sealed record Join(string ServerId, string NodeId, string Endpoint, string PublicKey, string Region) : GossipBody("join");

internal sealed record Leave(string ServerId) : GossipBody("leave");

internal sealed record Suspicion(string ServerId, long Incarnation) : GossipBody("suspect");

internal sealed record Confirmation(string ServerId) : GossipBody("confirm");

/// <summary>Members that the sender has seen itself; one page of them.</summary>
internal sealed record StateSync(IReadOnlyList<MemberRecord> Members) : GossipBody("state_sync");

/// <summary>A member in a <see cref="StateSync"/>.</summary>
/// <param name="NodeId">Not believed: it follows from the server id.</param>
/// <param name="PublicKey">In base64; not believed either.</param>
/// <param name="LastSeen">Milliseconds since 1970.</param>
internal sealed record MemberRecord(
    string ServerId, string NodeId, string Endpoint, string PublicKey, MemberState Status, long Incarnation, long LastSeen, string Region);

/// <summary>A member that is mentioned beside a message.</summary>
internal sealed record Mention(string ServerId, MemberState Status, long Incarnation, string Endpoint, string NodeId);

/// <summary>A gossip message that was read and whose signature is its sender's.</summary>
/// <param name="SenderId">In the usual form of server ids.</param>
internal sealed record GossipMessage(string SenderId, long Sequence, GossipBody Body, IReadOnlyList<Mention> Mentions);
