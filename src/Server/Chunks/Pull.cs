using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>A chunk that one client, or another relay, was asked for and others wait for. Guarded by the table's lock; once ended it changes no more.</summary>
internal sealed class Pull(Chunk chunk, long number, long since)
{
    public Chunk Chunk => chunk;

    /// <summary>Counts up with every pull.</summary>
    public long Number => number;

    /// <summary>When the first waiter began to wait, as a timestamp.</summary>
    public long Since => since;

    /// <summary>Who was asked for the chunk, or is pushing it. It is heard even if its announcement was forgotten meanwhile.</summary>
    public required Party Asked { get; set; }

    /// <summary>Who waits, and what it holds of the places by its address.</summary>
    public Dictionary<Party, LinkedListNode<Held<Party>>> Places { get; } = [];

    public FairPool<Party> Shares { get; } = new();

    public IReadOnlyCollection<Party> Waiters => Places.Keys;

    /// <summary>Its node in the list ordered by deadline.</summary>
    public LinkedListNode<Pull>? ByAge { get; set; }
}

/// <summary>What became of a pull that its source did not answer.</summary>
/// <param name="Next">The source to ask next; null: no source is left, and the waiters get nothing.</param>
/// <param name="Waiters">Those who get nothing, or one for whom the next source is asked.</param>
internal readonly record struct PullChange(string ChunkId, string ChannelId, Party? Next, IReadOnlyCollection<Party> Waiters);
