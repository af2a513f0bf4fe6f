using Relay.Presence;

namespace Relay.Signaling;

/// <summary>A pair request that waits for its target's answer.</summary>
internal sealed class PendingRequest(Client from, string fromCode, string fromKey, string toCode, long madeAt)
{
    public Client From => from;

    public string FromCode => fromCode;

    /// <summary>The requester's key when it asked; a later registration does not change it.</summary>
    public string FromKey => fromKey;

    public string ToCode => toCode;

    public long MadeAt => madeAt;

    /// <summary>Answered, replaced, expired or abandoned. Guarded by the table's lock.</summary>
    public bool Done { get; set; }
}

/// <summary>
/// Every pending pair request, and the one timer that warns and expires them. Each ends exactly once. All live equally
/// long, so the queues are in the order of deadlines.
/// </summary>
internal sealed class PendingRequests : IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private readonly Lock _lock = new();
    private readonly SignalingOptions _options;
    private readonly TimeProvider _time;
    private readonly ITimer _timer;

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, List<PendingRequest>> _byTarget = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<PendingRequest>> _byRequester = new(StringComparer.Ordinal);
    private readonly Queue<PendingRequest> _toWarn = [];
    private readonly Queue<PendingRequest> _toExpire = [];
    private int _count;

    public PendingRequests(SignalingOptions options, TimeProvider time)
    {
        _options = options;
        _time = time;
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
    }

    /// <summary>Called without the lock when a request is about to expire.</summary>
    public Action<PendingRequest>? Expiring { get; set; }

    /// <summary>Called without the lock when a request has expired.</summary>
    public Action<PendingRequest>? Expired { get; set; }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _count;
            }
        }
    }

    /// <summary>Adds a request in place of an earlier one by the same requester to the same target; false when too many wait for the target.</summary>
    public bool TryAdd(PendingRequest request)
    {
        lock (_lock)
        {
            TakeHeld(request.FromCode, request.ToCode);
            if (_byTarget.GetValueOrDefault(request.ToCode)?.Count >= _options.PendingPerTarget)
            {
                return false;
            }

            ListOf(_byTarget, request.ToCode).Add(request);
            ListOf(_byRequester, request.FromCode).Add(request);
            _count++;
            _toExpire.Enqueue(request);
            if (_options.PairRequestWarning < _options.PairRequestTimeout)
            {
                _toWarn.Enqueue(request);
            }

            return true;
        }
    }

    /// <summary>Ends the request from one code to another and hands it out, or null when none waits.</summary>
    public PendingRequest? Take(string fromCode, string toCode)
    {
        lock (_lock)
        {
            return TakeHeld(fromCode, toCode);
        }
    }

    /// <summary>Ends every request that a code made or got, and hands out those that others made to it.</summary>
    public IReadOnlyList<PendingRequest> RemoveCode(string code)
    {
        lock (_lock)
        {
            foreach (var made in _byRequester.GetValueOrDefault(code)?.ToArray() ?? [])
            {
                End(made);
            }

            var got = _byTarget.GetValueOrDefault(code)?.ToArray() ?? [];
            foreach (var request in got)
            {
                End(request);
            }

            return got;
        }
    }

    public void Dispose() => _timer.Dispose();

    private void Sweep()
    {
        while (Next(_toWarn, _options.PairRequestTimeout - _options.PairRequestWarning, end: false) is { } request)
        {
            Expiring?.Invoke(request);
        }

        while (Next(_toExpire, _options.PairRequestTimeout, end: true) is { } request)
        {
            Expired?.Invoke(request);
        }
    }

    private PendingRequest? Next(Queue<PendingRequest> queue, TimeSpan age, bool end)
    {
        lock (_lock)
        {
            while (queue.TryPeek(out var request) && (request.Done || _time.GetElapsedTime(request.MadeAt) >= age))
            {
                queue.Dequeue();
                if (request.Done)
                {
                    continue;
                }

                if (end)
                {
                    End(request);
                }

                return request;
            }

            return null;
        }
    }

    private PendingRequest? TakeHeld(string fromCode, string toCode)
    {
        var request = _byTarget.GetValueOrDefault(toCode)?.Find(request => request.FromCode == fromCode);
        if (request is not null)
        {
            End(request);
        }

        return request;
    }

    private void End(PendingRequest request)
    {
        request.Done = true;
        _count--;
        RemoveFrom(_byTarget, request.ToCode, request);
        RemoveFrom(_byRequester, request.FromCode, request);
    }

    private static List<PendingRequest> ListOf(Dictionary<string, List<PendingRequest>> lists, string code)
    {
        if (!lists.TryGetValue(code, out var list))
        {
            lists.Add(code, list = []);
        }

        return list;
    }

    private static void RemoveFrom(Dictionary<string, List<PendingRequest>> lists, string code, PendingRequest request)
    {
        if (lists.TryGetValue(code, out var list) && list.Remove(request) && list.Count == 0)
        {
            lists.Remove(code);
        }
    }
}
