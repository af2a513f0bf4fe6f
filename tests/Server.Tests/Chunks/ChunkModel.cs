using Relay.Addresses;
using Relay.Chunks;
using Relay.Clients;
using Relay.RateLimiting;

namespace Server.Tests.Chunks;

/// <summary>
/// What the table of chunks should say, from flat lists that are searched from end to end. A chunk is "channel/id", and "/id" in
/// every channel.
/// </summary>
internal sealed class ChunkModel(ChunkOptions options, Func<string, Client?> ownerOf, Func<Client, IpKey> addressOf, TimeProvider time)
{
    private readonly List<(Client Client, string Chunk, DateTimeOffset At)> _sources = [];
    private readonly List<(Client Client, string Chunk)> _turns = [];
    private readonly List<(string Chunk, long Row, string Digest, int Size, DateTimeOffset At, Client? Writer, IpKey Holder)> _contents = [];
    private readonly List<(string Chunk, Client Client)> _waits = [];
    private readonly Dictionary<string, (Client Client, DateTimeOffset At, long Number)> _asked = [];
    private readonly List<string> _pushes = [];
    private long _lastRow;
    private long _pulls;

    public IReadOnlyList<(string Chunk, Client Client)> Waits => _waits;

    public IEnumerable<string> KeptIn(string channelId) => _contents
        .Where(content => content.Chunk.StartsWith($"{channelId}/", StringComparison.Ordinal) && !IsOver(content.At, options.CacheLifetime))
        .Select(content => content.Chunk.Split('/')[1]);

    public ChunkCounts Counts(long served) => new(
        _contents.Count, _contents.Sum(content => content.Size), Known.Distinct().Count(), _sources.Count, _asked.Count, 0, served);

    private IEnumerable<string> Known => _sources.Select(source => source.Chunk).Concat(_contents.Select(content => content.Chunk)).Concat(_asked.Keys).Concat(_pushes);

    public void Announce(Client client, string chunk)
    {
        if (_sources.RemoveAll(source => source.Client == client && source.Chunk == chunk) == 0)
        {
            _turns.Add((client, chunk));
        }

        _sources.Add((client, chunk, time.GetUtcNow()));
        if (_sources.Count(source => source.Client == client) > options.AnnouncedPerSocket)
        {
            RemoveSource(_sources.First(source => source.Client == client));
        }

        if (_sources.Count > options.AnnouncedTotal)
        {
            var shares = new FairShares();
            _sources.ForEach(source => shares.Add(addressOf(source.Client), 1));
            var largest = shares.Largest(addressOf(client));
            RemoveSource(_sources.First(source => addressOf(source.Client) == largest));
        }
    }

    public (Availability What, long? Row, Client? Ask, Client? Displaced) Request(Client client, string chunk)
    {
        Expire(chunk);
        var index = _contents.FindIndex(content => content.Chunk == chunk);
        if (index >= 0 && _contents[index].Writer is null)
        {
            var content = _contents[index];
            _contents.RemoveAt(index);
            _contents.Add(content);
            return (Availability.Kept, content.Row, null, null);
        }

        if (_waits.Contains((chunk, client)))
        {
            return (Availability.ToWaitFor, null, null, null);
        }

        var source = NextSource(chunk, other => other != client);
        var writer = index >= 0 ? _contents[index].Writer : null;
        var isPulled = _asked.ContainsKey(chunk);
        if (!Known.Contains(chunk) && !Known.Contains(Everywhere(chunk)))
        {
            return (Availability.NoSource, null, null, null);
        }

        if (_waits.Count(wait => wait.Client == client) >= options.PullsPerSocket)
        {
            return (Availability.TooManyPulls, null, null, null);
        }

        var displaced = Displaced(client, chunk);
        if (displaced == client)
        {
            return (Availability.TooManyWaiters, null, null, null);
        }

        if (!isPulled && writer is null && source is null)
        {
            return (Availability.NoSource, null, null, null);
        }

        _waits.Add((chunk, client));
        _waits.RemoveAll(wait => wait.Chunk == chunk && wait.Client == displaced);
        if (!isPulled)
        {
            Ask(chunk, writer ?? source!, time.GetUtcNow(), ++_pulls, isTurn: writer is null);
        }

        return (Availability.ToWaitFor, null, isPulled || writer is not null ? null : source, displaced);
    }

    // The newest of whichever address then has most of the places, which may be the one who asks.
    private Client? Displaced(Client client, string chunk)
    {
        var waiting = _waits.Where(wait => wait.Chunk == chunk).Select(wait => wait.Client).Append(client).ToList();
        if (waiting.Count <= options.WaitersPerPull)
        {
            return null;
        }

        var shares = new FairShares();
        waiting.ForEach(waiter => shares.Add(addressOf(waiter), 1));
        return waiting.Last(waiter => addressOf(waiter) == shares.Largest(addressOf(client)));
    }

    public (PushVerdict What, long? Row) Push(Client client, string chunk, string digest, int size)
    {
        Expire(chunk);
        var isOwner = ownerOf(Channel(chunk)) == client;
        var isWelcome = isOwner || IsSource(client, chunk) || (_asked.TryGetValue(chunk, out var asked) && asked.Client == client);
        var kept = _contents.FindIndex(content => content.Chunk == chunk);
        if (!isWelcome || (kept >= 0 && _contents[kept].Digest != digest && !isOwner))
        {
            return (isWelcome ? PushVerdict.OtherIsKept : PushVerdict.NotASource, null);
        }

        Announce(client, chunk);
        if (kept >= 0 && _contents[kept].Digest == digest)
        {
            var same = _contents[kept];
            _contents.RemoveAt(kept);
            _contents.Add(same with { At = time.GetUtcNow() });
            return (PushVerdict.SameIsKept, same.Row);
        }

        _contents.RemoveAll(content => content.Chunk == chunk);
        _pushes.Add(chunk);
        _contents.Add((chunk, ++_lastRow, digest, size, time.GetUtcNow(), client, addressOf(client)));
        while (_contents.Count > options.CacheChunks || _contents.Sum(content => content.Size) > options.CacheBytes)
        {
            var shares = new FairShares();
            _contents.ForEach(content => shares.Add(content.Holder, Math.Max(content.Size, options.CacheBytes / options.CacheChunks)));
            var largest = shares.Largest(addressOf(client));
            _contents.RemoveAt(_contents.FindIndex(content => content.Holder == largest));
        }

        if (_asked.TryGetValue(chunk, out var pull))
        {
            _asked[chunk] = (client, pull.At, pull.Number);
        }

        return (PushVerdict.Accepted, _lastRow);
    }

    /// <summary>True when the content is still kept.</summary>
    public bool Finish(long row, string chunk, bool written, List<Client> served)
    {
        var index = _contents.FindIndex(content => content.Row == row);
        if (index >= 0 && written)
        {
            _contents[index] = _contents[index] with { Writer = null };
        }
        else if (index >= 0)
        {
            _contents.RemoveAt(index);
        }

        _pushes.Remove(chunk);
        served.AddRange(End(chunk));
        return index >= 0 && written;
    }

    public void Lose(long row)
    {
        _contents.RemoveAll(content => content.Row == row);
    }

    /// <summary>Chunks with whom to ask next, or with those who waited in vain.</summary>
    public List<(string Chunk, Client? Next, List<Client> Failed)> Leave(Client client)
    {
        var changes = new List<(string, Client?, List<Client>)>();
        _waits.RemoveAll(wait => wait.Client == client);
        _asked.Keys.Where(chunk => _waits.All(wait => wait.Chunk != chunk)).ToList().ForEach(chunk => _asked.Remove(chunk));
        _sources.RemoveAll(source => source.Client == client);
        _turns.RemoveAll(turn => turn.Client == client);
        foreach (var (chunk, pull) in _asked.Where(asked => asked.Value.Client == client).OrderBy(asked => asked.Value.Number).ToList())
        {
            var next = NextSource(chunk, source => _waits.Any(wait => wait.Chunk == chunk && wait.Client != source));
            if (next is not null)
            {
                Ask(chunk, next, pull.At, pull.Number, isTurn: true);
            }

            changes.Add((chunk, next, next is null ? End(chunk) : []));
        }

        return changes;
    }

    public List<(string Chunk, Client? Next, List<Client> Failed)> Sweep()
    {
        var over = _asked.Where(asked => IsOver(asked.Value.At, options.PullTimeout)).Select(asked => asked.Key).ToList();
        var changes = over.Select(chunk => (chunk, (Client?)null, End(chunk))).ToList();
        _sources.Where(source => IsOver(source.At, options.SourceLifetime)).ToList().ForEach(RemoveSource);
        _contents.RemoveAll(content => IsOver(content.At, options.CacheLifetime));
        return changes;
    }

    private void Ask(string chunk, Client client, DateTimeOffset since, long number, bool isTurn)
    {
        _asked[chunk] = (client, since, number);
        foreach (var turn in isTurn ? new[] { chunk, Everywhere(chunk) } : [])
        {
            if (_turns.Remove((client, turn)))
            {
                _turns.Add((client, turn));
            }
        }
    }

    private List<Client> End(string chunk)
    {
        var waiters = _waits.Where(wait => wait.Chunk == chunk).Select(wait => wait.Client).ToList();
        _waits.RemoveAll(wait => wait.Chunk == chunk);
        _asked.Remove(chunk);
        return waiters;
    }

    private void Expire(string chunk)
    {
        _contents.RemoveAll(content => content.Chunk == chunk && IsOver(content.At, options.CacheLifetime));
    }

    private void RemoveSource((Client Client, string Chunk, DateTimeOffset At) source)
    {
        _sources.Remove(source);
        _turns.Remove((source.Client, source.Chunk));
    }

    private Client? NextSource(string chunk, Func<Client, bool> mayBeAsked) =>
        ownerOf(Channel(chunk)) is { } owner && mayBeAsked(owner) && IsSource(owner, chunk)
            ? owner
            : _turns.Where(turn => (turn.Chunk == chunk || turn.Chunk == Everywhere(chunk)) && mayBeAsked(turn.Client)).Select(turn => turn.Client).FirstOrDefault();

    private bool IsSource(Client client, string chunk) => _turns.Contains((client, chunk)) || _turns.Contains((client, Everywhere(chunk)));

    private static string Channel(string chunk) => chunk.Split('/')[0];

    private static string Everywhere(string chunk) => $"/{chunk.Split('/')[1]}";

    private bool IsOver(DateTimeOffset since, TimeSpan lifetime) => time.GetUtcNow() - since >= lifetime;
}
