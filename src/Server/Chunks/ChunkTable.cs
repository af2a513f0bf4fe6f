using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// Who may push and who is served: the one lock over the known chunks. It decides and remembers; others send, read and write
/// what it says.
/// </summary>
internal sealed class ChunkTable(ChunkOptions options, TimeProvider time)
{
    // What one hold of the lock may remove, so that a sweep never keeps sockets waiting.
    private const int SweepSteps = 256;

    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly KnownChunks _known = new(options, time);
    private long _lastRow;
    private long _servedBySource;

    // Atomic.
    private long _servedFromCache;

    /// <summary>What the database has kept, oldest first: a later content replaces an earlier one.</summary>
    public void Restore(IEnumerable<StoredChunk> stored)
    {
        lock (_lock)
        {
            foreach (var (row, chunkId, channelId, digest, size, age) in stored)
            {
                _lastRow = row;
                if (_known.Find(chunkId)?.Content is { } earlier)
                {
                    _known.Drop(earlier);
                }

                var chunk = _known.GetOrAdd(chunkId);
                chunk.ChannelId = channelId;
                var since = time.GetTimestamp() - (long)(age.TotalSeconds * time.TimestampFrequency);
                _known.Keep(new CachedChunk(chunk, row, digest, size, since, writer: null));
            }
        }
    }

    /// <summary>The client has these chunks. Gives back those that belong to the channel.</summary>
    public IReadOnlyList<string> Announce(Client client, string? channelId, IReadOnlyList<string> chunkIds)
    {
        lock (_lock)
        {
            var inChannel = new List<string>();
            foreach (var chunkId in chunkIds)
            {
                var chunk = _known.GetOrAdd(chunkId);
                chunk.ChannelId ??= channelId;
                _known.AddSource(client, chunk);
                if (channelId is not null && chunk.ChannelId == channelId)
                {
                    inChannel.Add(chunkId);
                }
            }

            return inChannel;
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
            if (_known.Find(chunkId) is not { } chunk)
            {
                return new RequestAnswer(Availability.NoSource);
            }

            channelId = chunk.ChannelId ?? channelId;
            if (chunk.Content is { IsOnDisk: true } content)
            {
                _known.Cache.Touch(content);
                return new RequestAnswer(Availability.Kept, content, channelId);
            }

            if (chunk.Pull?.Waiters.Contains(client) == true)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            if (_known.Pulls.CountOf(client) >= options.PullsPerSocket)
            {
                return new RequestAnswer(Availability.TooManyPulls);
            }

            if (chunk.Pull?.Waiters.Count >= options.WaitersPerPull)
            {
                return new RequestAnswer(Availability.TooManyWaiters);
            }

            // A push that is on its way to the disk need not be asked for.
            var writer = chunk.Content?.Writer;
            var asked = chunk.Pull?.Asked ?? writer ?? chunk.NextSource(onlyWaiter: client);
            if (asked is null)
            {
                return new RequestAnswer(Availability.NoSource);
            }

            if (!notified)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            var isNew = chunk.Pull is null;
            _known.Pulls.Wait(chunk.Pull ?? _known.Pulls.Start(chunk, channelId, asked), client);
            if (!isNew || writer is not null)
            {
                return new RequestAnswer(Availability.ToWaitFor);
            }

            _known.Sources.PutLast(asked, chunk);
            return new RequestAnswer(Availability.ToWaitFor, ChannelId: channelId, Ask: asked);
        }
    }

    /// <summary>The channel that a chunk belongs to; null: to none yet.</summary>
    public string? ChannelOf(string chunkId)
    {
        lock (_lock)
        {
            return _known.Find(chunkId)?.ChannelId;
        }
    }

    /// <summary>
    /// The client brings a content. <paramref name="owned"/>: the channel that the chunk belongs to, or would, if the client
    /// owns it.
    /// </summary>
    public PushAnswer Accept(Client client, string chunkId, string channelId, string? owned, string digest, int size)
    {
        lock (_lock)
        {
            var chunk = _known.Find(chunkId);
            var isOwner = owned is not null && owned == (chunk?.ChannelId ?? channelId);
            if (!isOwner && (chunk is null || (!_known.Sources.Has(client, chunk) && chunk.Pull?.Asked != client)))
            {
                return new PushAnswer(PushVerdict.NotASource);
            }

            if (!isOwner && chunk!.Content is { } other && other.Digest != digest)
            {
                return new PushAnswer(PushVerdict.OtherIsKept);
            }

            chunk ??= _known.GetOrAdd(chunkId);
            chunk.ChannelId ??= channelId;
            _known.AddSource(client, chunk);
            if (chunk.Content is { } same && same.Digest == digest)
            {
                _known.Cache.Refresh(same);
                return new PushAnswer(PushVerdict.SameIsKept, same, chunk.ChannelId);
            }

            // Rows count up in the order of these decisions, so that after a crash the last one holds.
            var content = new CachedChunk(chunk, ++_lastRow, digest, size, time.GetTimestamp(), client);
            _known.Keep(content);
            chunk.Pushes++;
            if (chunk.Pull is { } pull)
            {
                _known.Pulls.Ask(pull, client);
            }

            return new PushAnswer(PushVerdict.Accepted, content, chunk.ChannelId);
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
