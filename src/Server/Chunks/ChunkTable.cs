using Relay.Addresses;
using Relay.Channels;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// Who may push and who is served: the one lock over the known chunks. It decides and remembers; others send, read and write
/// what it says. Who owns a channel is asked under the lock; the channels know nothing of chunks.
/// </summary>
internal sealed partial class ChunkTable
{
    // What one hold of the lock may remove, so that a sweep never keeps sockets waiting.
    private const int SweepSteps = 256;

    private readonly ChunkOptions _options;
    private readonly ChannelTable _channels;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly KnownChunks _known;
    private long _lastRow;

    // Atomic.
    private long _servedFromCache;

    public ChunkTable(ChunkOptions options, ChannelTable channels, TimeProvider time)
    {
        (_options, _channels, _time) = (options, channels, time);
        _known = new KnownChunks(options, channels, time);
        Remote = new RemotePulls(_lock, _known, channels);
    }

    /// <summary>What other relays of the cluster have to do with the chunks.</summary>
    public RemotePulls Remote { get; }

    /// <summary>The rows of what is accepted are numbered upwards from here.</summary>
    public void NumberFrom(long row)
    {
        lock (_lock)
        {
            _lastRow = row;
        }
    }

    /// <summary>What the database has kept, oldest first. What is being written now is newer.</summary>
    public void Restore(List<StoredChunk> stored)
    {
        lock (_lock)
        {
            stored.ForEach(_known.Restore);
        }
    }

    /// <summary>The client at this address has these chunks, in the channel or, without one, in every channel.</summary>
    public void Announce(Client client, IpKey address, string? channelId, IReadOnlyList<string> chunkIds)
    {
        lock (_lock)
        {
            foreach (var chunkId in chunkIds)
            {
                _known.AddSource(client, address, _known.GetOrAdd(new ChunkKey(channelId, chunkId)));
            }
        }
    }

    /// <summary>
    /// The client at this address wants a chunk. If there is something to wait for it is entered as waiting only if it was notified before
    /// (<paramref name="notified"/>): what it waits for can then never overtake that word.
    /// </summary>
    /// <param name="elsewhere">Other relays that have a source, if it is known: they are asked where this one has none. Not for a relay that waits: of two, each would wait for the other.</param>
    public RequestAnswer Request(Party client, IpKey address, string chunkId, string channelId, bool notified, RemoteSource? elsewhere = null)
    {
        lock (_lock)
        {
            var key = new ChunkKey(channelId, chunkId);
            var chunk = _known.Find(key);
            if ((chunk is null && _known.FindInEvery(key) is null && elsewhere is null) || (client is RemoteWaiter && chunk?.Pull?.Asked is RemoteSource))
            {
                return new RequestAnswer(Availability.NoSource);
            }

            if (chunk?.Content is { IsOnDisk: true } content)
            {
                ChunkCache.Touch(content);
                return new RequestAnswer(Availability.Kept, content);
            }

            if (chunk?.Pull?.Places.ContainsKey(client) == true)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            if (_known.Pulls.CountOf(client) >= _options.PullsPerSocket)
            {
                return new RequestAnswer(Availability.TooManyPulls);
            }

            if (chunk?.Pull is { } waitedFor && _known.Pulls.IsFullFor(waitedFor, client, address))
            {
                return new RequestAnswer(Availability.TooManyWaiters);
            }

            // A push that is on its way to the disk need not be asked for.
            var writer = chunk?.Content?.Writer;
            var asked = chunk?.Pull?.Asked ?? writer ?? _known.NextSource(key, onlyWaiter: client) ?? (Party?)elsewhere;
            if (asked is null)
            {
                return new RequestAnswer(Availability.NoSource);
            }

            if (!notified)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            chunk ??= _known.GetOrAdd(key);
            var isNew = chunk.Pull is null;
            var pull = chunk.Pull ?? _known.Pulls.Start(chunk, asked);
            var displaced = _known.Pulls.Wait(pull, client, address);
            if (!isNew || writer is not null)
            {
                return new RequestAnswer(Availability.ToWaitFor, Displaced: displaced);
            }

            if (asked is Client source)
            {
                _known.PutLast(source, key);
            }

            return new RequestAnswer(Availability.ToWaitFor, Ask: asked);
        }
    }

    /// <summary>
    /// The client at this address brings a content. The channel's owner may always, and replaces what is kept; others only what they
    /// have announced or were asked for, and they replace nothing.
    /// </summary>
    public PushAnswer Accept(Client client, IpKey address, string chunkId, string channelId, string digest, int size)
    {
        lock (_lock)
        {
            var key = new ChunkKey(channelId, chunkId);
            var chunk = _known.Find(key);
            var isOwner = _channels.OwnerOf(channelId) == client;
            if (!isOwner && chunk?.Pull?.Asked != client && !_known.HasSource(client, key))
            {
                return new PushAnswer(PushVerdict.NotASource);
            }

            if (!isOwner && chunk?.Content is { } other && other.Digest != digest)
            {
                return new PushAnswer(PushVerdict.OtherIsKept);
            }

            // Counted first: without it a chunk whose announcement finds no room would be forgotten.
            chunk ??= _known.GetOrAdd(key);
            chunk.Pushes++;
            _known.AddSource(client, address, chunk);
            if (chunk.Content is { } same && same.Digest == digest)
            {
                chunk.Pushes--;
                _known.Cache.Refresh(same);
                return new PushAnswer(PushVerdict.SameIsKept, same);
            }

            // Rows count up in the order of these decisions, so that after a crash the last one holds.
            var content = new CachedChunk(chunk, ++_lastRow, digest, size, _time.GetTimestamp(), address, client);
            _known.Keep(content);
            if (chunk.Pull is { } pull)
            {
                _known.Pulls.Ask(pull, client);
            }

            return new PushAnswer(PushVerdict.Accepted, content);
        }
    }

    /// <summary>An accepted push was written or failed. Returns the clients that waited for it: they get it either way.</summary>
    public IReadOnlyList<Party> Finish(CachedChunk content, bool written)
    {
        lock (_lock)
        {
            _known.Cache.Complete(content, written);
            var chunk = content.Chunk;
            chunk.Pushes--;
            if (chunk.Pull is { } pull)
            {
                return _known.Serve(pull);
            }

            _known.ForgetIfUnknown(chunk);
            return [];
        }
    }

    /// <summary>The database does not have it any more.</summary>
    public void Lose(CachedChunk content)
    {
        lock (_lock)
        {
            if (content.Chunk.Content == content)
            {
                _known.Drop(content);
            }
        }
    }

    public void CountServedFromCache() => Interlocked.Increment(ref _servedFromCache);

    /// <summary>Ids of the chunks kept of a channel, those pushed last first, as many as fit into so many bytes.</summary>
    public IReadOnlyList<string> KeptIn(string channelId, int maxBytes)
    {
        lock (_lock)
        {
            return _known.Cache.In(channelId, maxBytes);
        }
    }

    /// <summary>The source that was asked cannot be told: the pull ends. Null: it has ended, or another is asked.</summary>
    public PullChange? GiveUp(Client asked, ChunkKey key)
    {
        lock (_lock)
        {
            return _known.Find(key)?.Pull is { } pull && pull.Asked == asked ? _known.End(pull) : null;
        }
    }

    /// <summary>The client has left. Gives the pulls that it was asked for: the next source's turn, or the end.</summary>
    public IReadOnlyList<PullChange> Leave(Client client)
    {
        lock (_lock)
        {
            _known.Leave(client);
            return _known.Pulls.AskedOf(client) is { Count: > 0 } asked ? [.. asked.Select(_known.Move)] : [];
        }
    }

    /// <summary>Removes some of what has expired, and adds the pulls among it; false when nothing is left to remove.</summary>
    public bool Sweep(List<PullChange> expired)
    {
        lock (_lock)
        {
            for (var step = 0; step < SweepSteps; step++)
            {
                if (_known.Pulls.Expired is { } pull)
                {
                    expired.Add(_known.End(pull));
                }
                else if (_known.Sources.Expired is { } announcement)
                {
                    _known.RemoveSource(announcement);
                }
                else if (_known.Cache.Expired is { } content)
                {
                    _known.Drop(content);
                }
                else
                {
                    return false;
                }
            }

            return true;
        }
    }

    /// <summary>Some rows of the database that are not needed any more; empty when there are none.</summary>
    public IReadOnlyList<long> TakeDeadRows(int max)
    {
        lock (_lock)
        {
            return _known.Cache.TakeDead(max);
        }
    }

    /// <summary>The database could not delete them.</summary>
    public void PutBackDeadRows(IReadOnlyList<long> rows)
    {
        lock (_lock)
        {
            foreach (var row in rows)
            {
                _known.Cache.Bury(row);
            }
        }
    }

    public ChunkCounts Counts()
    {
        lock (_lock)
        {
            return new ChunkCounts(
                _known.Cache.Count, _known.Cache.Bytes, _known.Count, _known.Sources.Count, _known.Pulls.Count, Interlocked.Read(ref _servedFromCache), _known.Served);
        }
    }
}
