using System.Runtime.InteropServices;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// Who says to have which chunk, bounded per client and in total: the oldest word is the first to be forgotten. Touched only
/// under the table's lock.
/// </summary>
internal sealed class ChunkSources(ChunkOptions options, TimeProvider time)
{
    // Oldest first.
    private readonly LinkedList<Announcement> _all = [];
    private readonly Dictionary<Client, Own> _clients = [];

    public int Count => _all.Count;

    public Announcement? Expired =>
        _all.First is { } oldest && time.GetElapsedTime(oldest.Value.At) >= options.SourceLifetime ? oldest.Value : null;

    public bool Has(Client client, Chunk chunk) => _clients.TryGetValue(client, out var own) && own.ByChunk.ContainsKey(chunk);

    public IReadOnlyList<Announcement> Of(Client client) => _clients.TryGetValue(client, out var own) ? [.. own.Oldest] : [];

    /// <summary>A repeated announcement is as good as a new one, but keeps its turn to be asked.</summary>
    public void Add(Client client, Chunk chunk)
    {
        ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(_clients, client, out _);
        own ??= new Own();
        if (own.ByChunk.TryGetValue(chunk, out var announcement))
        {
            own.Oldest.Remove(announcement.OfClient!);
            _all.Remove(announcement.OfAll!);
        }
        else
        {
            own.ByChunk.Add(chunk, announcement = new Announcement(chunk, client));
            announcement.OfChunk = chunk.Sources.AddLast(announcement);
        }

        announcement.At = time.GetTimestamp();
        announcement.OfClient = own.Oldest.AddLast(announcement);
        announcement.OfAll = _all.AddLast(announcement);
    }

    /// <summary>What has to go while the client or all together have announced too much.</summary>
    public Announcement? Surplus(Client client) =>
        _clients.TryGetValue(client, out var own) && own.Oldest.Count > options.AnnouncedPerSocket ? own.Oldest.First!.Value
        : _all.Count > options.AnnouncedTotal ? _all.First!.Value
        : null;

    /// <summary>It has been asked: the others come first the next time.</summary>
    public void PutLast(Client client, Chunk chunk)
    {
        if (_clients.TryGetValue(client, out var own) && own.ByChunk.TryGetValue(chunk, out var announcement))
        {
            chunk.Sources.Remove(announcement.OfChunk!);
            chunk.Sources.AddLast(announcement.OfChunk!);
        }
    }

    public void Remove(Announcement announcement)
    {
        var own = _clients[announcement.Client];
        own.ByChunk.Remove(announcement.Chunk);
        own.Oldest.Remove(announcement.OfClient!);
        if (own.Oldest.Count == 0)
        {
            _clients.Remove(announcement.Client);
        }

        announcement.Chunk.Sources.Remove(announcement.OfChunk!);
        _all.Remove(announcement.OfAll!);
    }

    /// <summary>What one client has announced.</summary>
    private sealed class Own
    {
        public Dictionary<Chunk, Announcement> ByChunk { get; } = [];

        public LinkedList<Announcement> Oldest { get; } = [];
    }
}
