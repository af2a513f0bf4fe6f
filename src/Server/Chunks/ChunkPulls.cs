using System.Runtime.InteropServices;
using Relay.Addresses;
using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>
/// Every pull, who waits for it and who was asked. All may take equally long, so the list is in the order of deadlines.
/// Touched only under the table's lock.
/// </summary>
internal sealed class ChunkPulls(ChunkOptions options, TimeProvider time)
{
    private readonly LinkedList<Pull> _byAge = [];
    private readonly Dictionary<Party, HashSet<Pull>> _waiting = [];
    private readonly Dictionary<Party, HashSet<Pull>> _asked = [];
    private long _started;

    public int Count => _byAge.Count;

    public Pull? Expired =>
        _byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.Since) >= options.PullTimeout ? oldest.Value : null;

    /// <summary>Who waits, and who was asked.</summary>
    public IEnumerable<Party> Parties => _waiting.Keys.Concat(_asked.Keys);

    public int CountOf(Party waiter) => _waiting.TryGetValue(waiter, out var pulls) ? pulls.Count : 0;

    public IReadOnlyList<Pull> WaitedForBy(Party client) => _waiting.TryGetValue(client, out var pulls) ? [.. pulls] : [];

    /// <summary>Those that have waited longest first.</summary>
    public IReadOnlyList<Pull> AskedOf(Party client) => _asked.TryGetValue(client, out var pulls) ? [.. pulls.OrderBy(pull => pull.Number)] : [];

    /// <summary>Those that another relay was asked for, by the start of that relay.</summary>
    public IReadOnlyList<Pull> AskedOf(ulong epoch) => [.. _byAge.Where(pull => pull.Asked is RemoteSource source && source.Epoch == epoch)];

    public Pull Start(Chunk chunk, Party asked)
    {
        var pull = new Pull(chunk, ++_started, time.GetTimestamp()) { Asked = asked };
        pull.ByAge = _byAge.AddLast(pull);
        Link(_asked, asked, pull);
        chunk.Pull = pull;
        return pull;
    }

    public void Ask(Pull pull, Party client)
    {
        Unlink(_asked, pull.Asked, pull);
        Link(_asked, client, pull);
        pull.Asked = client;
    }

    /// <summary>True when all places are taken and nobody's address has more of them than the client's then would.</summary>
    public bool IsFullFor(Pull pull, Party client, IpKey address)
    {
        if (pull.Places.Count < options.WaitersPerPull)
        {
            return false;
        }

        var place = pull.Shares.Add(address, 1, client);
        var isFull = Newest(pull, place) == client;
        pull.Shares.Remove(place);
        return isFull;
    }

    /// <summary>The client waits too. Gives the client that does no more, because its address has more places; null: none.</summary>
    public Party? Wait(Pull pull, Party client, IpKey address)
    {
        var place = pull.Shares.Add(address, 1, client);
        pull.Places.Add(client, place);
        Link(_waiting, client, pull);
        if (pull.Places.Count <= options.WaitersPerPull)
        {
            return null;
        }

        var displaced = Newest(pull, place);
        StopWaiting(pull, displaced);
        return displaced;
    }

    /// <summary>Ends a pull without waiters.</summary>
    public void StopWaiting(Pull pull, Party client)
    {
        pull.Places.Remove(client, out var place);
        pull.Shares.Remove(place!);
        Unlink(_waiting, client, pull);
        if (pull.Waiters.Count == 0)
        {
            End(pull);
        }
    }

    public void End(Pull pull)
    {
        pull.Chunk.Pull = null;
        _byAge.Remove(pull.ByAge!);
        Unlink(_asked, pull.Asked, pull);
        foreach (var waiter in pull.Waiters)
        {
            Unlink(_waiting, waiter, pull);
        }
    }

    private static Party Newest(Pull pull, LinkedListNode<Held<Party>> added) => pull.Shares.Surplus(added).Last!.Value.Item;

    private static void Link(Dictionary<Party, HashSet<Pull>> pulls, Party client, Pull pull)
    {
        ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(pulls, client, out _);
        (own ??= []).Add(pull);
    }

    private static void Unlink(Dictionary<Party, HashSet<Pull>> pulls, Party client, Pull pull)
    {
        var own = pulls[client];
        own.Remove(pull);
        if (own.Count == 0)
        {
            pulls.Remove(client);
        }
    }
}
