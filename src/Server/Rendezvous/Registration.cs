using Relay.Protocol;

namespace Relay.Rendezvous;

/// <summary>The registrations of one message, and its sender.</summary>
/// <param name="Name">The identity that it is done as.</param>
/// <param name="OtherName">The same socket's other name, if it has one: what lies there under it is its own as well.</param>
/// <param name="Owner">The session, which its tokens go with.</param>
internal sealed record Registration(string Name, string? OtherName, long Owner, RendezvousRequest Request);

/// <summary>What others had put down there before.</summary>
internal sealed record Findings(List<FoundDrop> Drops, List<HeldToken> Tokens);

/// <summary>A session's hourly token, valid while the session lives.</summary>
internal readonly record struct HeldToken(string PeerId, string RelayId, long Owner);
