using Relay.Addresses;
using Relay.Clients;

namespace Relay.Signaling;

/// <summary>
/// Every request that waits for an answer, to pair or to link. Each ends exactly once: whoever gets it out of one of the
/// methods below notifies the clients concerned, after the lock. All live equally long, so the lists are in the order of deadlines.
/// </summary>
internal sealed class PendingRequests(SignalingOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<Key, List<PendingRequest>> _byTarget = [];
    private readonly Dictionary<Key, List<PendingRequest>> _byRequester = [];
    private readonly LinkedList<PendingRequest> _all = [];
    private readonly LinkedList<PendingRequest> _toWarn = [];
    private readonly int[] _counts = new int[Enum.GetValues<RequestKind>().Length];

    public int Count(RequestKind kind)
    {
        lock (_lock)
        {
            return _counts[(int)kind];
        }
    }

    /// <summary>
    /// Adds a request in place of an earlier one by the same requester to the same target. False when the target has left
    /// or too many wait for it. <paramref name="displaced"/> has ended: the earlier one, or one by an address that held
    /// more than its share of the target's places.
    /// </summary>
    public bool TryAdd(PendingRequest request, out PendingRequest? displaced)
    {
        lock (_lock)
        {
            // A client is marked before its requests are taken out, so what is added to one without the mark will be.
            displaced = null;
            if (request.To.HasLeft)
            {
                return false;
            }

            var waiting = _byTarget.GetValueOrDefault(new Key(request.Kind, request.To)) ?? [];
            displaced = waiting.Find(earlier => earlier.From == request.From);
            if (displaced is null && waiting.Count >= PlacesPerTarget(request.Kind))
            {
                displaced = FindCrowder(waiting, request.FromAddress);
                if (displaced is null)
                {
                    return false;
                }
            }

            if (displaced is not null)
            {
                End(displaced);
            }

            Begin(request);
            return true;
        }
    }

    /// <summary>Ends the request to a client, by the requester with this code or by whoever made the oldest; null when none waits.</summary>
    public PendingRequest? Take(RequestKind kind, Client to, string? fromCode = null)
    {
        lock (_lock)
        {
            // One whose requester is leaving belongs to its Leave.
            var request = _byTarget.GetValueOrDefault(new Key(kind, to))?
                .Find(request => (fromCode is null || request.FromCode == fromCode) && !request.From.HasLeft);
            if (request is not null)
            {
                End(request);
            }

            return request;
        }
    }

    /// <summary>Ends every request that a client made or got.</summary>
    public IReadOnlyList<PendingRequest> TakeAll(RequestKind kind, Client client)
    {
        lock (_lock)
        {
            var key = new Key(kind, client);
            PendingRequest[] ended = [.. (_byRequester.GetValueOrDefault(key) ?? []).Union(_byTarget.GetValueOrDefault(key) ?? [])];
            foreach (var request in ended)
            {
                End(request);
            }

            return ended;
        }
    }

    /// <summary>Ends one that has waited too long; null when there is none.</summary>
    public PendingRequest? TakeExpired()
    {
        lock (_lock)
        {
            if (_all.First is not { } oldest || !IsAged(oldest.Value, options.PairRequestTimeout))
            {
                return null;
            }

            End(oldest.Value);
            return oldest.Value;
        }
    }

    /// <summary>A pair request that is about to expire, each once; null when there is none.</summary>
    public PendingRequest? TakeExpiring()
    {
        lock (_lock)
        {
            if (_toWarn.First is not { } oldest || !IsAged(oldest.Value, options.PairRequestTimeout - options.PairRequestWarning))
            {
                return null;
            }

            _toWarn.Remove(oldest);
            oldest.Value.WarningPlace = null;
            return oldest.Value;
        }
    }

    // A phone shows one browser at a time; a person can look through more who want to pair.
    private int PlacesPerTarget(RequestKind kind) => kind == RequestKind.Link ? 1 : options.PendingPerTarget;

    private bool IsAged(PendingRequest request, TimeSpan age) => time.GetElapsedTime(request.MadeAt) >= age;

    /// <summary>
    /// The youngest request of the address that has most of the places, if that would still have no fewer than the
    /// new one's: one address cannot keep all others from a target.
    /// </summary>
    private static PendingRequest? FindCrowder(List<PendingRequest> waiting, IpKey requester)
    {
        var most = waiting.GroupBy(request => request.FromAddress).MaxBy(requests => requests.Count());
        var own = waiting.Count(request => request.FromAddress == requester);
        return most is not null && most.Count() > own + 1 ? most.Last() : null;
    }

    private void Begin(PendingRequest request)
    {
        request.MadeAt = time.GetTimestamp();
        request.Place = _all.AddLast(request);
        if (request.Kind == RequestKind.Pair && options.PairRequestWarning > TimeSpan.Zero && options.PairRequestWarning < options.PairRequestTimeout)
        {
            request.WarningPlace = _toWarn.AddLast(request);
        }

        AddTo(_byTarget, new Key(request.Kind, request.To), request);
        AddTo(_byRequester, new Key(request.Kind, request.From), request);
        _counts[(int)request.Kind]++;
    }

    private void End(PendingRequest request)
    {
        _all.Remove(request.Place!);
        request.Place = null;
        if (request.WarningPlace is not null)
        {
            _toWarn.Remove(request.WarningPlace);
            request.WarningPlace = null;
        }

        RemoveFrom(_byTarget, new Key(request.Kind, request.To), request);
        RemoveFrom(_byRequester, new Key(request.Kind, request.From), request);
        _counts[(int)request.Kind]--;
    }

    private static void AddTo(Dictionary<Key, List<PendingRequest>> lists, Key key, PendingRequest request)
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists.Add(key, list = []);
        }

        list.Add(request);
    }

    private static void RemoveFrom(Dictionary<Key, List<PendingRequest>> lists, Key key, PendingRequest request)
    {
        if (lists.TryGetValue(key, out var list) && list.Remove(request) && list.Count == 0)
        {
            lists.Remove(key);
        }
    }
    private readonly record struct Key(RequestKind Kind, Client Client);
}
