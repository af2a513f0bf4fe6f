using Relay.Clients;

namespace Relay.Chunks;

/// <summary>A client's word that it has a chunk. Guarded by the table's lock.</summary>
internal sealed class Announcement(Chunk chunk, Client client)
{
    public Chunk Chunk => chunk;

    public Client Client => client;

    /// <summary>When it was made or repeated, as a timestamp.</summary>
    public long At { get; set; }

    // Its nodes in the lists of the chunk, of the client and of all.
    public LinkedListNode<Announcement>? OfChunk { get; set; }

    public LinkedListNode<Announcement>? OfClient { get; set; }

    public LinkedListNode<Announcement>? OfAll { get; set; }
}
