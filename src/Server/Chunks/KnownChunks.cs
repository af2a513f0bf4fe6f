using Relay.Addresses;
using Relay.Channels;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// The chunks by channel and id, with their sources, pulls and contents. A chunk is known as long as it has one of these or is being
/// pushed, so that their bounds bound the whole. Touched only under the table's lock.
/// </summary>
internal sealed class KnownChunks(ChunkOptions options, ChannelTable channels, TimeProvider time)
{
    private readonly Dictionary<ChunkKey, Chunk> _chunks = [];

    public ChunkSources Sources { get; } = new(options, time);

    public ChunkPulls Pulls { get; } = new(options, time);

    public ChunkCache Cache { get; } = new(options, time);

    public int Count => _chunks.Count;

    /// <summary>Clients, and relays, that waited for a chunk and got it.</summary>
    public long Served { get; private set; }

    /// <summary>A content whose life is over counts no more, though the sweep has not come yet.</summary>
    public Chunk? Find(ChunkKey key)
    {
        if (_chunks.GetValueOrDefault(key)?.Content is { } content && Cache.IsExpired(content))
        {
            Drop(content);
        }

        return _chunks.GetValueOrDefault(key);
    }

    /// <summary>What stands for this chunk in every channel.</summary>
    public Chunk? FindInEvery(ChunkKey key) => _chunks.GetValueOrDefault(key with { ChannelId = null });

    /// <summary>What the database has kept. What is being written now is newer.</summary>
    public void Restore(StoredChunk stored)
    {
        var key = new ChunkKey(stored.ChannelId, stored.ChunkId);
        if (Find(key)?.Content is { } earlier)
        {
            if (!earlier.IsOnDisk || earlier.Row == stored.Row)
            {
                return;
            }

            Drop(earlier);
        }

        var since = time.GetTimestamp() - (long)(stored.Age.TotalSeconds * time.TimestampFrequency);
        Keep(new CachedChunk(GetOrAdd(key), stored.Row, stored.Digest, stored.Size, since, stored.Address, writer: null));
    }

    public Chunk GetOrAdd(ChunkKey key)
    {
        if (!_chunks.TryGetValue(key, out var chunk))
        {
            _chunks.Add(key, chunk = new Chunk(key));
        }

        return chunk;
    }

    /// <summary>True when the client has announced the chunk, in its channel or in every one.</summary>
    public bool HasSource(Client client, ChunkKey key) =>
        Sources.Has(client, _chunks.GetValueOrDefault(key)) || Sources.Has(client, FindInEvery(key));

    /// <summary>Whom to ask for the chunk: the channel's owner if it is a source, else the source that was asked longest ago.</summary>
    public Client? NextSource(ChunkKey key, Party? onlyWaiter)
    {
        if (channels.OwnerOf(key.ChannelId!) is { } owner && owner != onlyWaiter && HasSource(owner, key))
        {
            return owner;
        }

        var (here, everywhere) = (_chunks.GetValueOrDefault(key)?.NextSource(onlyWaiter), FindInEvery(key)?.NextSource(onlyWaiter));
        return here is null || everywhere?.Turn < here.Turn ? everywhere?.Client : here.Client;
    }

    /// <summary>It is asked: the others come first the next time.</summary>
    public void PutLast(Client client, ChunkKey key)
    {
        Sources.PutLast(client, _chunks.GetValueOrDefault(key));
        Sources.PutLast(client, FindInEvery(key));
    }

    public void AddSource(Client client, IpKey address, Chunk chunk)
    {
        var added = Sources.Add(client, address, chunk);
        while (Sources.Surplus(added) is { } old)
        {
            RemoveSource(old);
        }
    }

    public void RemoveSource(Announcement announcement)
    {
        Sources.Remove(announcement);
        ForgetIfUnknown(announcement.Chunk);
    }

    /// <summary>Keeps a content instead of the chunk's earlier one, and makes room for it if the cache is full.</summary>
    public void Keep(CachedChunk content)
    {
        if (content.Chunk.Content is { } earlier)
        {
            Cache.Remove(earlier);
        }

        Cache.Add(content);
        while (Cache.Surplus(content) is { } old)
        {
            Drop(old);
        }
    }

    public void Drop(CachedChunk content)
    {
        Cache.Remove(content);
        ForgetIfUnknown(content.Chunk);
    }

    /// <summary>The client waits for nothing and is no source any more.</summary>
    public void Leave(Client client)
    {
        foreach (var pull in Pulls.WaitedForBy(client))
        {
            Pulls.StopWaiting(pull, client);
            ForgetIfUnknown(pull.Chunk);
        }

        foreach (var announcement in Sources.Of(client))
        {
            RemoveSource(announcement);
        }
    }

    /// <summary>The source that was asked has left, or does not have it: on to the next source if others wait.</summary>
    public PullChange Move(Pull pull)
    {
        var source = NextSource(pull.Chunk.Key, pull.Waiters.Count == 1 ? pull.Waiters.First() : null);
        if ((source ?? (Party?)(pull.Asked as RemoteSource)?.Next) is not { } next)
        {
            return End(pull);
        }

        Pulls.Ask(pull, next);
        if (source is not null)
        {
            PutLast(source, pull.Chunk.Key);
        }

        return new PullChange(pull.Chunk.Id, pull.Chunk.ChannelId, next, [pull.Waiters.First()]);
    }

    /// <summary>The chunk is there: gives those who waited for it.</summary>
    public IReadOnlyList<Party> Serve(Pull pull)
    {
        End(pull);
        Served += pull.Waiters.Count;
        return [.. pull.Waiters];
    }

    public PullChange End(Pull pull)
    {
        Pulls.End(pull);
        ForgetIfUnknown(pull.Chunk);
        return new PullChange(pull.Chunk.Id, pull.Chunk.ChannelId, null, pull.Waiters);
    }

    public void ForgetIfUnknown(Chunk chunk)
    {
        if (chunk.IsUnknown)
        {
            _chunks.Remove(chunk.Key);
        }
    }
}
