using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>An announced chunk that a channel's subscribers are not told of yet. Guarded by the notices' lock.</summary>
internal sealed class Notice(NoticeBoard board, string chunkId, Party source, IpKey address)
{
    // Its entries in the lists.
    private const int Overhead = 256;

    public NoticeBoard Board => board;

    public string ChunkId => chunkId;

    /// <summary>A client, or another relay that tells what its clients have announced.</summary>
    public Party Source => source;

    /// <summary>What the source's address counts by.</summary>
    public IpKey Address => address;

    /// <summary>In the message, in bytes.</summary>
    public int Length { get; } = MinimalJsonEncoder.LengthOf(chunkId) + 1;

    /// <summary>In memory, in bytes.</summary>
    public int Size => Overhead + (2 * chunkId.Length);

    public bool IsPosted => Place?.List is not null;

    // Its nodes on the board, in the shares of the board and in those of all.
    public LinkedListNode<Notice>? Place { get; set; }

    public LinkedListNode<Held<Notice>>? ShareOfBoard { get; set; }

    public LinkedListNode<Held<Notice>>? Share { get; set; }
}

/// <summary>What waits for the subscribers of one channel, each chunk once, the oldest first. Guarded by the notices' lock.</summary>
internal sealed class NoticeBoard
{
    private readonly LinkedList<Notice> _notices = [];
    private readonly HashSet<string> _chunkIds = new(StringComparer.Ordinal);
    private readonly FairPool<Notice> _shares = new();

    /// <summary>When its subscribers were told last, as a timestamp; null: not yet.</summary>
    public long? LastTold { get; set; }

    public int Count => _notices.Count;

    public long Size => _shares.Size;

    public Notice? Oldest => _notices.First?.Value;

    /// <summary>False: the chunk is on it already.</summary>
    public bool TryAdd(Notice notice)
    {
        if (!_chunkIds.Add(notice.ChunkId))
        {
            return false;
        }

        notice.Place = _notices.AddLast(notice);
        notice.ShareOfBoard = _shares.Add(notice.Address, notice.Size, notice);
        return true;
    }

    /// <summary>What has to go for one that was added, which it may be itself.</summary>
    public Notice Surplus(Notice added) => _shares.Surplus(added.ShareOfBoard!).Last!.Value.Item;

    public void Remove(Notice notice)
    {
        _chunkIds.Remove(notice.ChunkId);
        _notices.Remove(notice.Place!);
        _shares.Remove(notice.ShareOfBoard!);
    }
}
