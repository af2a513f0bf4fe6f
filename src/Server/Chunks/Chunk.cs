using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// What a chunk is known by: the same id in two channels is two chunks. Without a channel it stands for the chunk in every
/// channel, which has sources and nothing else.
/// </summary>
internal readonly record struct ChunkKey(string? ChannelId, string Id);

/// <summary>One chunk that is kept, announced, waited for or being pushed. Guarded by the table's lock.</summary>
internal sealed class Chunk(ChunkKey key)
{
    public ChunkKey Key => key;

    public string Id => key.Id;

    /// <summary>Its channel. Not for one that stands for every channel.</summary>
    public string ChannelId => key.ChannelId!;

    /// <summary>The kept content, whether it is on the disk already or not.</summary>
    public CachedChunk? Content { get; set; }

    /// <summary>Who has announced it. The next one to ask stands first.</summary>
    public LinkedList<Announcement> Sources { get; } = [];

    /// <summary>Never while its content is on the disk.</summary>
    public Pull? Pull { get; set; }

    /// <summary>Accepted pushes that have not finished.</summary>
    public int Pushes { get; set; }

    /// <summary>True when nothing is left to remember.</summary>
    public bool IsUnknown => Content is null && Pull is null && Sources.Count == 0 && Pushes == 0;

    /// <summary>The next source to ask that is not itself the only waiter.</summary>
    public Announcement? NextSource(Party? onlyWaiter)
    {
        for (var node = Sources.First; node is not null; node = node.Next)
        {
            if (node.Value.Client != onlyWaiter)
            {
                return node.Value;
            }
        }

        return null;
    }
}
