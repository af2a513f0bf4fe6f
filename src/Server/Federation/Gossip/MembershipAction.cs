namespace Relay.Federation.Gossip;

/// <summary>What is to be done after something was told to the <see cref="Membership"/>.</summary>
internal abstract record MembershipAction;

/// <summary>Send a message by a link; <see cref="GossipWriter"/> makes its bytes. A link that is gone meanwhile is no error.</summary>
internal sealed record SendGossip(long Link, GossipBody Body, IReadOnlyList<Mention> Mentions) : MembershipAction;

/// <summary>Close a link: its server failed or left. The membership has forgotten the link already.</summary>
internal sealed record CloseLink(long Link, MemberState State) : MembershipAction;

/// <summary>The state of a member is another now.</summary>
/// <param name="Why">In a few words, for the operator.</param>
internal sealed record MemberChanged(string ServerId, MemberState Before, MemberState After, string Why) : MembershipAction;

/// <summary>Other members own the ring now: build it anew from <see cref="Membership.Owners"/>.</summary>
internal sealed record OwnersChanged : MembershipAction;

/// <summary>There may be a server at this endpoint: dial it, and expect this id.</summary>
internal sealed record LookAt(string ServerId, string Endpoint) : MembershipAction;

/// <summary>A server to dial, with the id that must answer there.</summary>
internal sealed record DialTarget(string ServerId, string Endpoint);

/// <summary>This server, as the others are told of it.</summary>
/// <param name="Region">Empty: none.</param>
internal sealed record LocalServer(string ServerId, string NodeId, string PublicKey, string Endpoint, string Region);

/// <summary>A member as it is now, for operators.</summary>
/// <param name="Link">The link's number; null: none.</param>
/// <param name="RoundTrip">Of the last ping that was answered; null: none was.</param>
/// <param name="LastHeard">When it spoke to us last; null: never.</param>
/// <param name="IsOwner">It owns a part of the ring.</param>
/// <param name="Denial">Why it is neither dialled nor given to clients; null: it is.</param>
internal sealed record MemberSnapshot(
    string ServerId,
    string Endpoint,
    string Region,
    MemberState State,
    long Incarnation,
    long? Link,
    TimeSpan? RoundTrip,
    DateTimeOffset? LastHeard,
    bool IsOwner,
    string? Denial);

/// <summary>What became of a received message.</summary>
internal enum GossipOutcome
{
    Accepted,

    /// <summary>It came by a link that is not, or no longer, the one of a member.</summary>
    UnknownLink,

    /// <summary>It names another sender than the link's server.</summary>
    WrongSender,

    /// <summary>Its sequence number was there already, or is too old.</summary>
    Replayed,

    /// <summary>The sender sends too many of these.</summary>
    RateLimited,

    /// <summary>It speaks for another server: a join or leave of somebody else.</summary>
    NotItsWord,
}
