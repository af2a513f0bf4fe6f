using System.Runtime.InteropServices;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>
/// Which contents are kept, by use, by age and by channel. A full cache loses what was used longest ago of whichever address
/// has pushed most of it. Only memory, so that asking for what is not kept costs no disk. Touched only under the table's lock.
/// </summary>
internal sealed class ChunkCache(ChunkOptions options, TimeProvider time)
{
    private const int Quotes = 2;

    // Of each address used longest ago first; of all pushed longest ago first; per channel, pushed last first.
    private readonly FairPool<CachedChunk> _byUse = new();
    private readonly LinkedList<CachedChunk> _byAge = [];
    private readonly Dictionary<string, LinkedList<CachedChunk>> _byChannel = new(StringComparer.Ordinal);

    private readonly Queue<long> _dead = [];

    public int Count => _byUse.Count;

    public long Bytes { get; private set; }

    public CachedChunk? Expired => _byAge.First is { } oldest && IsExpired(oldest.Value) ? oldest.Value : null;

    public bool IsExpired(CachedChunk content) => time.GetElapsedTime(content.Since) >= options.CacheLifetime;

    public void Add(CachedChunk content)
    {
        // Many small ones take as many places as large ones: each counts as the place it takes.
        content.ByUse = _byUse.Add(content.Holder, Math.Max(content.Size, Math.Max(options.CacheBytes / options.CacheChunks, 1)), content);
        content.ByAge = AddByAge(content);
        ref var channel = ref CollectionsMarshal.GetValueRefOrAddDefault(_byChannel, content.Chunk.ChannelId, out _);
        content.InChannel = (channel ??= []).AddFirst(content);
        content.Chunk.Content = content;
        Bytes += content.Size;
    }

    // The newest of all, unless it comes from the database.
    private LinkedListNode<CachedChunk> AddByAge(CachedChunk content)
    {
        var earlier = _byAge.Last;
        while (earlier is not null && earlier.Value.Since > content.Since)
        {
            earlier = earlier.Previous;
        }

        return earlier is null ? _byAge.AddFirst(content) : _byAge.AddAfter(earlier, content);
    }

    /// <summary>What has to go for a content that was added, which it may be itself; null while the cache is within its bounds.</summary>
    public CachedChunk? Surplus(CachedChunk added) =>
        added.Chunk.Content == added && (Count > options.CacheChunks || Bytes > options.CacheBytes)
            ? _byUse.Surplus(added.ByUse!).First!.Value.Item
            : null;

    public static void Touch(CachedChunk content) => FairPool<CachedChunk>.Touch(content.ByUse!);

    /// <summary>It was pushed again as it is: its life begins anew.</summary>
    public void Refresh(CachedChunk content)
    {
        content.Since = time.GetTimestamp();
        _byAge.Remove(content.ByAge!);
        _byAge.AddLast(content.ByAge!);
        Touch(content);
    }

    public void Remove(CachedChunk content)
    {
        _byUse.Remove(content.ByUse!);
        _byAge.Remove(content.ByAge!);
        var channel = content.InChannel!.List!;
        channel.Remove(content.InChannel);
        if (channel.Count == 0)
        {
            _byChannel.Remove(content.Chunk.ChannelId);
        }

        content.Chunk.Content = null;
        Bytes -= content.Size;
        if (content.IsOnDisk)
        {
            Bury(content.Row);
        }
    }

    /// <summary>The content has reached the disk, or never will.</summary>
    public void Complete(CachedChunk content, bool written)
    {
        var isKept = content.Chunk.Content == content;
        if (isKept && !written)
        {
            Remove(content);
        }
        else if (!isKept && written)
        {
            Bury(content.Row);
        }

        content.Writer = null;
    }

    /// <summary>Ids of a channel's chunks, those pushed last first, until they have <paramref name="maxBytes"/> bytes together as they are sent.</summary>
    public List<string> In(string channelId, int maxBytes) =>
        Within((_byChannel.GetValueOrDefault(channelId) ?? []).Where(content => !IsExpired(content)).Select(content => content.Chunk.Id), maxBytes);

    /// <summary>The first of them, until they have so many bytes together as they are sent.</summary>
    public static List<string> Within(IEnumerable<string> chunkIds, int maxBytes) =>
        [.. chunkIds.TakeWhile(chunkId => (maxBytes -= MinimalJsonEncoder.LengthOf(chunkId) - Quotes) >= 0)];

    /// <summary>A row in the database that is not needed any more.</summary>
    public void Bury(long row) => _dead.Enqueue(row);

    /// <summary>Some rows to delete; empty when there are none.</summary>
    public List<long> TakeDead(int max)
    {
        var rows = new List<long>(Math.Min(max, _dead.Count));
        while (rows.Count < max && _dead.TryDequeue(out var row))
        {
            rows.Add(row);
        }

        return rows;
    }
}
