using Relay.Addresses;
using Relay.Channels;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// Who may push and who is served: the one lock over the known chunks. It decides and remembers; others send, read and write
/// what it says. Who owns a channel is asked under the lock; the channels know nothing of chunks.
/// </summary>
internal sealed class ChunkTable(ChunkOptions options, ChannelTable channels, TimeProvider time)
{
    // What one hold of the lock may remove, so that a sweep never keeps sockets waiting.
    private const int SweepSteps = 256;

    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly KnownChunks _known = new(options, channels, time);
    private long _lastRow;
    private long _servedBySource;

    // Atomic.
    private long _servedFromCache;

    /// <summary>What the database has kept, oldest first: a later content replaces an earlier one.</summary>
    public void Restore(IEnumerable<StoredChunk> stored)
    {
        lock (_lock)
        {
            foreach (var (row, chunkId, channelId, digest, size, age, address) in stored)
            {
                _lastRow = row;
                var key = new ChunkKey(channelId, chunkId);
                if (_known.Find(key)?.Content is { } earlier)
                {
                    _known.Drop(earlier);
                }

                var chunk = _known.GetOrAdd(key);
                var since = time.GetTimestamp() - (long)(age.TotalSeconds * time.TimestampFrequency);
                _known.Keep(new CachedChunk(chunk, row, digest, size, since, address, writer: null));
            }
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
    /// The client wants a chunk. If there is something to wait for it is entered as waiting only if it was notified before
    /// (<paramref name="notified"/>): what it waits for can then never overtake that word.
    /// </summary>
    public RequestAnswer Request(Client client, string chunkId, string channelId, bool notified)
    {
        lock (_lock)
        {
            var key = new ChunkKey(channelId, chunkId);
            var chunk = _known.Find(key);
            if (chunk is null && _known.FindInEvery(key) is null)
            {
                return new RequestAnswer(Availability.NoSource);
            }

            if (chunk?.Content is { IsOnDisk: true } content)
            {
                ChunkCache.Touch(content);
                return new RequestAnswer(Availability.Kept, content);
            }

            if (chunk?.Pull?.Waiters.Contains(client) == true)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            if (_known.Pulls.CountOf(client) >= options.PullsPerSocket)
            {
                return new RequestAnswer(Availability.TooManyPulls);
            }

            if (chunk?.Pull?.Waiters.Count >= options.WaitersPerPull)
            {
                return new RequestAnswer(Availability.TooManyWaiters);
            }

            // A push that is on its way to the disk need not be asked for.
            var writer = chunk?.Content?.Writer;
            var asked = chunk?.Pull?.Asked ?? writer ?? _known.NextSource(key, onlyWaiter: client);
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
            _known.Pulls.Wait(chunk.Pull ?? _known.Pulls.Start(chunk, asked), client);
            if (!isNew || writer is not null)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            _known.PutLast(asked, key);
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
            var isOwner = channels.OwnerOf(channelId) == client;
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
            var content = new CachedChunk(chunk, ++_lastRow, digest, size, time.GetTimestamp(), address, client);
            _known.Keep(content);
            if (chunk.Pull is { } pull)
            {
                _known.Pulls.Ask(pull, client);
            }

            return new PushAnswer(PushVerdict.Accepted, content);
        }
    }

    /// <summary>An accepted push was written or failed. Returns the clients that waited for it: they get it either way.</summary>
    public IReadOnlyList<Client> Finish(CachedChunk content, bool written)
    {
        lock (_lock)
        {
            _known.Cache.Complete(content, written);
            var chunk = content.Chunk;
            chunk.Pushes--;
            if (chunk.Pull is not { } pull)
            {
                _known.ForgetIfUnknown(chunk);
                return [];
            }

            _known.End(pull);
            _servedBySource += pull.Waiters.Count;
            return [.. pull.Waiters];
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

    /// <summary>Ids of the chunks kept of a channel, those pushed last first, as many as fit.</summary>
    public IReadOnlyList<string> KeptIn(string channelId, int maxLength)
    {
        lock (_lock)
        {
            return _known.Cache.In(channelId, maxLength);
        }
    }

    /// <summary>The client has left. Gives the pulls that it was asked for: the next source's turn, or the end.</summary>
    public IReadOnlyList<PullChange> Leave(Client client)
    {
        lock (_lock)
        {
            foreach (var pull in _known.Pulls.WaitedForBy(client))
            {
                _known.Pulls.StopWaiting(pull, client);
                _known.ForgetIfUnknown(pull.Chunk);
            }

            foreach (var announcement in _known.Sources.Of(client))
            {
                _known.RemoveSource(announcement);
            }

            return [.. _known.Pulls.AskedOf(client).Select(_known.Move)];
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
                _known.Cache.Count, _known.Cache.Bytes, _known.Count, _known.Sources.Count, _known.Pulls.Count, Interlocked.Read(ref _servedFromCache), _servedBySource);
        }
    }
}
