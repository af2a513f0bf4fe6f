using Relay.Clients;
using Relay.RateLimiting;

namespace Relay.Signaling;

/// <summary>
/// Every request that waits for an answer, to pair or to link. Each ends exactly once: whoever gets it out of one of the
/// methods below notifies the clients concerned, after the lock. All live equally long, so the lists are in the order of deadlines.
/// </summary>
internal sealed partial class PendingRequests(SignalingOptions options, TimeProvider time)
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
    /// or too many wait for it; of links, when one by the same address does. <paramref name="displaced"/> has ended: the earlier
    /// one, or one by whoever holds most of the target's places.
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
            var place = waiting.FindIndex(earlier => earlier.From.Equals(request.From));
            displaced = place >= 0 ? waiting[place] : null;
            if (displaced is null && request.Kind == RequestKind.Link && waiting.Exists(other => other.FromAddress == request.FromAddress))
            {
                return false;
            }

            if (displaced is null && waiting.Count >= options.PendingPerTarget)
            {
                displaced = FindCrowder(waiting, request);
                if (displaced is null)
                {
                    return false;
                }
            }

            if (displaced is not null)
            {
                End(displaced);
            }

            // A link that is asked for again keeps its turn.
            Begin(request, place >= 0 && request.Kind == RequestKind.Link ? place : null);
            return true;
        }
    }

    /// <summary>
    /// The request to link that the phone has to show now, each once; null when there is none, or one is shown already. An answer names no
    /// browser, so that a phone gets one request at a time.
    /// </summary>
    public PendingRequest? TakeNextToShow(Client to)
    {
        lock (_lock)
        {
            if (_byTarget.GetValueOrDefault(new Key(RequestKind.Link, to))?[0] is not { IsShown: false } request)
            {
                return null;
            }

            request.IsShown = true;
            return request;
        }
    }

    /// <summary>
    /// Ends the request to a client, by the requester with this code or by whoever made the oldest; of links the one that is
    /// shown; null when none waits.
    /// </summary>
    public PendingRequest? Take(RequestKind kind, Client to, string? fromCode = null)
    {
        lock (_lock)
        {
            // One whose requester is leaving belongs to its Leave.
            var request = _byTarget.GetValueOrDefault(new Key(kind, to))?
                .Find(request => (fromCode is null || request.FromCode == fromCode) && (kind == RequestKind.Pair || request.IsShown) && !request.From.HasLeft);
            if (request is not null)
            {
                End(request);
            }

            return request;
        }
    }

    /// <summary>Ends a request that its target cannot be told of; false: it has ended already.</summary>
    public bool TryEnd(PendingRequest request)
    {
        lock (_lock)
        {
            if (request.Place is null)
            {
                return false;
            }

            End(request);
            return true;
        }
    }

    /// <summary>Ends every request that a client made or got.</summary>
    public IReadOnlyList<PendingRequest> TakeAll(RequestKind kind, Party client)
    {
        lock (_lock)
        {
            // Most clients leave without any.
            var key = new Key(kind, client);
            if (!_byRequester.ContainsKey(key) && !_byTarget.ContainsKey(key))
            {
                return [];
            }

            PendingRequest[] ended = [.. (_byRequester.GetValueOrDefault(key) ?? []).Union(_byTarget.GetValueOrDefault(key) ?? [])];
            foreach (var request in ended)
            {
                End(request);
            }

            return ended;
        }
    }

    /// <summary>Ends every request by clients of a relay of the cluster that is gone.</summary>
    public IReadOnlyList<PendingRequest> TakeAllOf(ulong epoch)
    {
        lock (_lock)
        {
            PendingRequest[] ended = [.. _all.Where(request => request.From is RemoteClient remote && remote.Epoch == epoch)];
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

    private bool IsAged(PendingRequest request, TimeSpan age) => time.GetElapsedTime(request.MadeAt) >= age;

    /// <summary>The youngest request of whoever holds most of a target's places; null when nobody holds more than the requester then would.</summary>
    private static PendingRequest? FindCrowder(List<PendingRequest> waiting, PendingRequest request)
    {
        // What a phone is shown stays: its answer may be on its way, and would be taken for one to the next.
        var places = new FairPool<PendingRequest>();
        foreach (var earlier in waiting.Where(earlier => !earlier.IsShown))
        {
            places.Add(earlier.FromAddress, 1, earlier);
        }

        var youngest = places.Surplus(places.Add(request.FromAddress, 1, request)).Last!.Value.Item;
        return youngest == request ? null : youngest;
    }

    private void Begin(PendingRequest request, int? place)
    {
        request.MadeAt = time.GetTimestamp();
        request.Place = _all.AddLast(request);
        if (request.Kind == RequestKind.Pair && options.PairRequestWarning > TimeSpan.Zero && options.PairRequestWarning < options.PairRequestTimeout)
        {
            request.WarningPlace = _toWarn.AddLast(request);
        }

        AddTo(_byTarget, new Key(request.Kind, request.To), request, place);
        AddTo(_byRequester, new Key(request.Kind, request.From), request, place: null);
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

    private static void AddTo(Dictionary<Key, List<PendingRequest>> lists, Key key, PendingRequest request, int? place)
    {
        if (!lists.TryGetValue(key, out var list))
        {
            lists.Add(key, list = []);
        }

        list.Insert(place ?? list.Count, request);
    }

    private static void RemoveFrom(Dictionary<Key, List<PendingRequest>> lists, Key key, PendingRequest request)
    {
        if (lists.TryGetValue(key, out var list) && list.Remove(request) && list.Count == 0)
        {
            lists.Remove(key);
        }
    }

    private readonly record struct Key(RequestKind Kind, Party Client);
}
