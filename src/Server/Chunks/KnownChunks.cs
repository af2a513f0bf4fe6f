using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// The chunks by id, with their sources, pulls and contents. A chunk is known as long as it has one of these or is being
/// pushed, so that their bounds bound the whole. Touched only under the table's lock.
/// </summary>
internal sealed class KnownChunks(ChunkOptions options, TimeProvider time)
{
    private readonly Dictionary<string, Chunk> _chunks = new(StringComparer.Ordinal);

    public ChunkSources Sources { get; } = new(options, time);

    public ChunkPulls Pulls { get; } = new(options, time);

    public ChunkCache Cache { get; } = new(options, time);

    public int Count => _chunks.Count;

    /// <summary>A content whose life is over counts no more, though the sweep has not come yet.</summary>
    public Chunk? Find(string chunkId)
    {
        if (_chunks.GetValueOrDefault(chunkId)?.Content is { } content && Cache.IsExpired(content))
        {
            Drop(content);
        }

        return _chunks.GetValueOrDefault(chunkId);
    }

    public Chunk GetOrAdd(string chunkId)
    {
        if (!_chunks.TryGetValue(chunkId, out var chunk))
        {
            _chunks.Add(chunkId, chunk = new Chunk(chunkId));
        }

        return chunk;
    }

    public void AddSource(Client client, Chunk chunk)
    {
        Sources.Add(client, chunk);
        while (Sources.Surplus(client) is { } old)
        {
            RemoveSource(old);
        }
    }

    public void RemoveSource(Announcement announcement)
    {
        Sources.Remove(announcement);
        ForgetIfUnknown(announcement.Chunk);
    }

    /// <summary>Keeps a content instead of the chunk's earlier one, and removes the least recently used ones if the cache is full.</summary>
    public void Keep(CachedChunk content)
    {
        if (content.Chunk.Content is { } earlier)
        {
            Cache.Remove(earlier);
        }

        Cache.Add(content);
        while (Cache.Surplus is { } old)
        {
            Drop(old);
        }
    }

    public void Drop(CachedChunk content)
    {
        Cache.Remove(content);
        ForgetIfUnknown(content.Chunk);
    }

    /// <summary>The source that was asked has left: on to the next source if others wait.</summary>
    public PullChange Move(Pull pull)
    {
        if (pull.Chunk.NextSource(pull.Waiters.Count == 1 ? pull.Waiters.First() : null) is not { } next)
        {
            return End(pull);
        }

        Pulls.Ask(pull, next);
        Sources.PutLast(next, pull.Chunk);
        return new PullChange(pull.Chunk.Id, pull.Chunk.ChannelId ?? pull.ChannelId, next, []);
    }

    public PullChange End(Pull pull)
    {
        Pulls.End(pull);
        ForgetIfUnknown(pull.Chunk);
        return new PullChange(pull.Chunk.Id, pull.Chunk.ChannelId ?? pull.ChannelId, null, pull.Waiters);
    }

    public void ForgetIfUnknown(Chunk chunk)
    {
        if (chunk.IsUnknown)
        {
            _chunks.Remove(chunk.Id);
        }
    }
}
