using Relay.Channels;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// The part of <see cref="ChunkTable"/>, under its lock, that has to do with other relays of the cluster: what they have, are asked for, and bring.
/// </summary>
internal sealed class RemotePulls(Lock tableLock, KnownChunks known, ChannelTable channels)
{
    /// <summary>Whether clients of this relay have announced the chunk, and whether its channel's owner is one of them.</summary>
    public (bool HasSource, bool HasOwner) SourcesOf(ChunkKey key)
    {
        lock (tableLock)
        {
            return (known.NextSource(key, onlyWaiter: null) is not null, channels.OwnerOf(key.ChannelId!) is { } owner && known.HasSource(owner, key));
        }
    }

    public bool IsWaitedFor(ChunkKey key)
    {
        lock (tableLock)
        {
            return known.Find(key)?.Pull is not null;
        }
    }

    /// <summary>Another relay has brought the chunk: gives those who waited for it.</summary>
    /// <param name="asked">As what it was asked; it is too late if another is asked now. Null: it was not, and whoever is need not be waited for.</param>
    public IReadOnlyList<Party> Bring(ChunkKey key, RemoteSource? asked)
    {
        lock (tableLock)
        {
            return known.Find(key)?.Pull is { } pull && (asked is null || pull.Asked == asked) ? known.Serve(pull) : [];
        }
    }

    /// <summary>The relay that was asked has no source any more: the turn of the next one, or the end. Null: it is not asked any more.</summary>
    public PullChange? PassOn(ChunkKey key, RemoteSource asked)
    {
        lock (tableLock)
        {
            return known.Find(key)?.Pull is { } pull && pull.Asked == asked ? known.Move(pull) : null;
        }
    }

    /// <summary>The relay of this epoch is gone: the same for all that it was asked for.</summary>
    public IReadOnlyList<PullChange> PassOn(ulong epoch)
    {
        lock (tableLock)
        {
            return [.. known.Pulls.AskedOf(epoch).Select(known.Move)];
        }
    }
}
