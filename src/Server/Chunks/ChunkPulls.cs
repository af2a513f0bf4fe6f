using System.Runtime.InteropServices;
using Relay.Clients;

namespace Relay.Chunks;

/// <summary>
/// Every pull, who waits for it and who was asked. All may take equally long, so the list is in the order of deadlines.
/// Touched only under the table's lock.
/// </summary>
internal sealed class ChunkPulls(ChunkOptions options, TimeProvider time)
{
    private readonly LinkedList<Pull> _byAge = [];
    private readonly Dictionary<Client, HashSet<Pull>> _waiting = [];
    private readonly Dictionary<Client, HashSet<Pull>> _asked = [];
    private long _started;

    public int Count => _byAge.Count;

    public Pull? Expired =>
        _byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.Since) >= options.PullTimeout ? oldest.Value : null;

    public int CountOf(Client waiter) => _waiting.TryGetValue(waiter, out var pulls) ? pulls.Count : 0;

    public IReadOnlyList<Pull> WaitedForBy(Client client) => _waiting.TryGetValue(client, out var pulls) ? [.. pulls] : [];

    /// <summary>Those that have waited longest first.</summary>
    public IReadOnlyList<Pull> AskedOf(Client client) => _asked.TryGetValue(client, out var pulls) ? [.. pulls.OrderBy(pull => pull.Number)] : [];

    public Pull Start(Chunk chunk, Client asked)
    {
        var pull = new Pull(chunk, ++_started, time.GetTimestamp()) { Asked = asked };
        pull.ByAge = _byAge.AddLast(pull);
        Link(_asked, asked, pull);
        chunk.Pull = pull;
        return pull;
    }

    public void Ask(Pull pull, Client client)
    {
        Unlink(_asked, pull.Asked, pull);
        Link(_asked, client, pull);
        pull.Asked = client;
    }

    public void Wait(Pull pull, Client client)
    {
        pull.Waiters.Add(client);
        Link(_waiting, client, pull);
    }

    /// <summary>Ends a pull without waiters.</summary>
    public void StopWaiting(Pull pull, Client client)
    {
        pull.Waiters.Remove(client);
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

    private static void Link(Dictionary<Client, HashSet<Pull>> pulls, Client client, Pull pull)
    {
        ref var own = ref CollectionsMarshal.GetValueRefOrAddDefault(pulls, client, out _);
        (own ??= []).Add(pull);
    }

    private static void Unlink(Dictionary<Client, HashSet<Pull>> pulls, Client client, Pull pull)
    {
        var own = pulls[client];
        own.Remove(pull);
        if (own.Count == 0)
        {
            pulls.Remove(client);
        }
    }
}
