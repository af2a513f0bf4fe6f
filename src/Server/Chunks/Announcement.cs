using Relay.Addresses;
using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>A client's word that it has a chunk. Guarded by the table's lock.</summary>
internal sealed class Announcement(Chunk chunk, Client client, IpKey address)
{
    public Chunk Chunk => chunk;

    public Client Client => client;

    /// <summary>What the client's address counts by.</summary>
    public IpKey Address => address;

    /// <summary>Counts up whenever it was made or asked: the lowest of a chunk's sources is the next to be asked.</summary>
    public long Turn { get; set; }

    /// <summary>When it was made or repeated, as a timestamp.</summary>
    public long At { get; set; }

    // Its nodes in the lists of the chunk, of the client, of all and of the address.
    public LinkedListNode<Announcement>? OfChunk { get; set; }

    public LinkedListNode<Announcement>? OfClient { get; set; }

    public LinkedListNode<Announcement>? OfAll { get; set; }

    public LinkedListNode<Held<Announcement>>? OfAddress { get; set; }
}
