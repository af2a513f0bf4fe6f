using System.Runtime.InteropServices;

namespace Relay.Chunks;

/// <summary>
/// Which contents are kept, by use, by age and by channel. Only memory, so that asking for what is not kept costs no disk.
/// Touched only under the table's lock.
/// </summary>
internal sealed class ChunkCache(ChunkOptions options, TimeProvider time)
{
    // Used longest ago first; pushed longest ago first; per channel, pushed last first.
    private readonly LinkedList<CachedChunk> _byUse = [];
    private readonly LinkedList<CachedChunk> _byAge = [];
    private readonly Dictionary<string, LinkedList<CachedChunk>> _byChannel = new(StringComparer.Ordinal);

    private readonly Queue<long> _dead = [];

    public int Count => _byUse.Count;

    public long Bytes { get; private set; }

    /// <summary>The one used longest ago while the cache is over its bounds.</summary>
    public CachedChunk? Surplus => Count > options.CacheChunks || Bytes > options.CacheBytes ? _byUse.First!.Value : null;

    public CachedChunk? Expired => _byAge.First is { } oldest && IsExpired(oldest.Value) ? oldest.Value : null;

    public bool IsExpired(CachedChunk content) => time.GetElapsedTime(content.Since) >= options.CacheLifetime;

    public void Add(CachedChunk content)
    {
        content.ByUse = _byUse.AddLast(content);
        content.ByAge = _byAge.AddLast(content);
        ref var channel = ref CollectionsMarshal.GetValueRefOrAddDefault(_byChannel, content.Chunk.ChannelId!, out _);
        content.InChannel = (channel ??= []).AddFirst(content);
        content.Chunk.Content = content;
        Bytes += content.Size;
    }

    public void Touch(CachedChunk content)
    {
        _byUse.Remove(content.ByUse!);
        _byUse.AddLast(content.ByUse!);
    }

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
            _byChannel.Remove(content.Chunk.ChannelId!);
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

    /// <summary>Ids of a channel's chunks, those pushed last first, until they have <paramref name="maxLength"/> UTF-16 units together.</summary>
    public List<string> In(string channelId, int maxLength)
    {
        var ids = new List<string>();
        foreach (var content in _byChannel.GetValueOrDefault(channelId) ?? [])
        {
            if ((maxLength -= content.Chunk.Id.Length) < 0)
            {
                break;
            }

            if (!IsExpired(content))
            {
                ids.Add(content.Chunk.Id);
            }
        }

        return ids;
    }

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
