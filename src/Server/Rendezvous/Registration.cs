using Relay.Addresses;
using Relay.Protocol;

namespace Relay.Rendezvous;

/// <summary>A name, and a pseudonym of its kind and the key that it was registered with: a successor to the name with another key is another.</summary>
internal readonly record struct RowOwner(string Name, string Key);

/// <summary>The registrations of one message, and its sender.</summary>
/// <param name="Name">The identity that it is done as.</param>
/// <param name="OtherName">The same socket's other name, or the same one: what lies there under it is its own as well.</param>
/// <param name="Owner">The session, which its tokens go with.</param>
/// <param name="Address">The pseudonym of the sender's address, which its rows count against.</param>
internal sealed record Registration(RowOwner Name, RowOwner OtherName, long Owner, IpKey Address, RendezvousRequest Request)
{
    /// <summary>Points and tokens that belong to other servers: what was put down here, before they did, is still found.</summary>
    public IReadOnlyList<RendezvousRedirect> Away { get; init; } = [];
}

/// <summary>What others had put down there before.</summary>
internal sealed record Findings(List<FoundDrop> Drops, List<HeldToken> Tokens);

/// <summary>A session's hourly token, valid while the session lives.</summary>
/// <param name="Owner">The session.</param>
/// <param name="Start">The start of another relay on the database whose session it is; 0: this one's.</param>
internal readonly record struct HeldToken(string PeerId, string RelayId, long Owner, long Start = 0);
