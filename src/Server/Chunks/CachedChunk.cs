using Relay.Addresses;
using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>
/// A content that was accepted, without its bytes: those are in the database under <see cref="Row"/>, which no other content
/// ever has. What changes is guarded by the table's lock.
/// </summary>
internal sealed class CachedChunk(Chunk chunk, long row, string digest, int size, long since, IpKey holder, Client? writer)
{
    public Chunk Chunk => chunk;

    public long Row => row;

    /// <summary>SHA-256 of the bytes, in base64.</summary>
    public string Digest => digest;

    /// <summary>In bytes.</summary>
    public int Size => size;

    /// <summary>The pseudonym of the address that pushed it, which it counts against.</summary>
    public IpKey Holder => holder;

    /// <summary>When it was pushed last, as a timestamp.</summary>
    public long Since { get; set; } = since;

    /// <summary>Whose push is on its way to the disk; null once it is there.</summary>
    public Client? Writer { get; set; } = writer;

    public bool IsOnDisk => Writer is null;

    // The cache's nodes.
    public LinkedListNode<Held<CachedChunk>>? ByUse { get; set; }

    public LinkedListNode<CachedChunk>? ByAge { get; set; }

    public LinkedListNode<CachedChunk>? InChannel { get; set; }
}
