using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>
/// Who says to have which chunk, bounded per client and in total. The first to be forgotten is the client's own oldest word, or
/// the oldest of whichever address has said most. Touched only under the table's lock.
/// </summary>
internal sealed class ChunkSources(ChunkOptions options, TimeProvider time)
{
    // Oldest first.
    private readonly LinkedList<Announcement> _all = [];
    private readonly FairPool<Announcement> _addresses = new();
    private readonly Dictionary<Client, Own> _clients = [];
    private long _turns;

    public int Count => _all.Count;

    public Announcement? Expired =>
        _all.First is { } oldest && time.GetElapsedTime(oldest.Value.At) >= options.SourceLifetime ? oldest.Value : null;

    public IEnumerable<Client> Clients => _clients.Keys;

    public bool Has(Client client, Chunk? chunk) => chunk is not null && _clients.TryGetValue(client, out var own) && own.ByChunk.ContainsKey(chunk);

    public IReadOnlyList<Announcement> Of(Client client) => _clients.TryGetValue(client, out var own) ? [.. own.Oldest] : [];

    /// <summary>A repeated announcement is as good as a new one, but keeps its turn to be asked.</summary>
    public Announcement Add(Client client, IpKey address, Chunk chunk)
    {
        ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(_clients, client, out _);
        own ??= new Own();
        if (own.ByChunk.TryGetValue(chunk, out var announcement))
        {
            own.Oldest.Remove(announcement.OfClient!);
            _all.Remove(announcement.OfAll!);
            FairPool<Announcement>.Touch(announcement.OfAddress!);
        }
        else
        {
            own.ByChunk.Add(chunk, announcement = new Announcement(chunk, client, address) { Turn = ++_turns });
            announcement.OfChunk = chunk.Sources.AddLast(announcement);
            announcement.OfAddress = _addresses.Add(address, 1, announcement);
        }

        announcement.At = time.GetTimestamp();
        announcement.OfClient = own.Oldest.AddLast(announcement);
        announcement.OfAll = _all.AddLast(announcement);
        return announcement;
    }

    /// <summary>What has to go for one that was added, which it may be itself, while its client or all together have announced too much.</summary>
    public Announcement? Surplus(Announcement added) =>
        _clients.TryGetValue(added.Client, out var own) && own.Oldest.Count > options.AnnouncedPerSocket ? own.Oldest.First!.Value
        : _all.Count > options.AnnouncedTotal ? _addresses.Surplus(added.OfAddress!).First!.Value.Item
        : null;

    /// <summary>It has been asked: the others come first the next time.</summary>
    public void PutLast(Client client, Chunk? chunk)
    {
        if (chunk is not null && _clients.TryGetValue(client, out var own) && own.ByChunk.TryGetValue(chunk, out var announcement))
        {
            announcement.Turn = ++_turns;
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
        _addresses.Remove(announcement.OfAddress!);
    }

    /// <summary>What one client has announced.</summary>
    private sealed class Own
    {
        public Dictionary<Chunk, Announcement> ByChunk { get; } = [];

        public LinkedList<Announcement> Oldest { get; } = [];
    }
}
