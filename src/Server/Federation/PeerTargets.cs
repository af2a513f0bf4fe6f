using Relay.Federation.Gossip;

namespace Relay.Federation;

/// <summary>How an attempt to dial, or the link that came of it, has ended.</summary>
internal enum DialEnd
{
    /// <summary>There was a link.</summary>
    Linked,

    /// <summary>It could not be reached.</summary>
    Failed,

    /// <summary>It answered and would not have us, or another server answered: it is not asked again soon.</summary>
    Refused,
}

/// <summary>
/// The servers to dial, and when: each attempt that fails doubles the wait before the next, up to half a minute (five minutes where
/// the server has refused, or where others have named it and it had no link yet), and a little chance is added so that many that were cut off at once do not return at once. Thread-safe.
/// </summary>
internal sealed class PeerTargets
{
    public const int MaxTargets = 1000;

    public static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    public static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);
    public static readonly TimeSpan MaxWaitUnlikely = TimeSpan.FromMinutes(5);
    public static readonly TimeSpan Jitter = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();

    private readonly string _own;
    private readonly PeerBook _book;
    private readonly EndpointRule _endpoints;
    private readonly TimeProvider _time;
    private readonly Random _random;

    // Guarded by _lock.
    private readonly List<PeerTarget> _targets;

    /// <summary>With the servers of the settings and those that are known.</summary>
    public PeerTargets(string ownServerId, FederationOptions options, PeerBook book, EndpointRule endpoints, TimeProvider time, Random random)
    {
        (_own, _book, _endpoints, _time, _random) = (ownServerId, book, endpoints, time, random);
        _targets =
        [
            .. options.Connect.Select(ConnectEntry.Parse).OfType<ConnectEntry>().Select(entry => new PeerTarget(PeerOrigin.Configured)
            {
                ConfiguredId = entry.ServerId,
                ServerId = entry.ServerId,
                Endpoint = entry.Endpoint,
                NotBefore = time.GetTimestamp(),
            }),
        ];
        foreach (var server in book.Known())
        {
            AddKnown(server.ServerId, server.Endpoint);
        }
    }

    /// <summary>A server has a link: it is remembered, and dialled when it has none any more, if it says where it is and that is allowed.</summary>
    public void Linked(string serverId, string endpoint, string region)
    {
        if (_endpoints.Allows(endpoint))
        {
            _book.Remember(serverId, endpoint, region);
            AddKnown(serverId, endpoint);
        }
    }

    /// <summary>A server that had a link, with the endpoint that it says is its own. False: there are too many.</summary>
    public bool AddKnown(string serverId, string endpoint)
    {
        lock (_lock)
        {
            if (_targets.Exists(target => target.AsDialTarget == new DialTarget(serverId, endpoint)))
            {
                return true;
            }

            if (_targets.Find(target => target.ServerId == serverId && target.Origin == PeerOrigin.Known) is { } known)
            {
                known.Endpoint = endpoint;
                return true;
            }

            return TryAdd(PeerOrigin.Known, serverId, endpoint);
        }
    }

    /// <summary>The servers without a link that others have named, all of them: those that are not among them any more are forgotten.</summary>
    public void SetDiscovered(IReadOnlyCollection<DialTarget> named)
    {
        lock (_lock)
        {
            var wanted = named.ToHashSet();
            _targets.RemoveAll(target => target is { Origin: PeerOrigin.Discovered, IsDialling: false } && !wanted.Contains(target.AsDialTarget));
            wanted.ExceptWith(_targets.Select(target => target.AsDialTarget));
            foreach (var (serverId, endpoint) in wanted)
            {
                TryAdd(PeerOrigin.Discovered, serverId, endpoint);
            }
        }
    }

    /// <summary>Somebody names a server that may be new: it is dialled within a second or two. One that is dialled already keeps its wait.</summary>
    public void AddDiscovered(string serverId, string endpoint)
    {
        lock (_lock)
        {
            if (_targets.Find(target => target.ServerId == serverId && target.Endpoint == endpoint) is null)
            {
                TryAdd(PeerOrigin.Discovered, serverId, endpoint);
            }
        }
    }

    /// <summary>Removes a server that the settings do not name; false: they do, or it is not there.</summary>
    public bool Remove(string serverId)
    {
        lock (_lock)
        {
            return _targets.RemoveAll(target => target.ServerId == serverId && target.Origin != PeerOrigin.Configured) > 0;
        }
    }

    /// <summary>Takes those whose time has come and that <paramref name="wanted"/> holds for, at most so many; <see cref="End"/> gives them back.</summary>
    /// <param name="wanted">Asked under the lock: it calls nothing back.</param>
    public List<(PeerTarget Target, string? ServerId, string Endpoint)> TakeDue(int max, Func<string?, bool> wanted)
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            var dialled = _targets.Where(target => target.IsDialling).Select(target => target.ServerId).ToHashSet(StringComparer.Ordinal);
            var due = _targets.Where(target => !target.IsDialling && target.NotBefore <= now && wanted(target.ServerId))
                .OrderBy(target => target.NotBefore)
                .Where(target => target.ServerId is null || dialled.Add(target.ServerId))
                .Take(max).ToList();
            due.ForEach(target => target.IsDialling = true);
            return [.. due.Select(target => (target, target.ConfiguredId ?? (target.Origin == PeerOrigin.Configured ? null : target.ServerId), target.Endpoint))];
        }
    }

    /// <summary>The server at the target's endpoint has authenticated.</summary>
    public void Answered(PeerTarget target, string serverId)
    {
        lock (_lock)
        {
            target.ServerId = serverId;
            target.LastWords = "";
            _targets.RemoveAll(other => other != target && other.Origin != PeerOrigin.Configured && other.AsDialTarget == target.AsDialTarget);
        }
    }

    public void End(PeerTarget target, DialEnd end, string lastWords)
    {
        lock (_lock)
        {
            target.IsDialling = false;
            target.LastWords = lastWords;
            target.Failures = end == DialEnd.Linked ? 1 : target.Failures + 1;
            target.NotBefore = _time.GetTimestamp() + Ticks(WaitAfter(target.Failures, end, target.Origin) + (Jitter * _random.NextDouble()));
        }
    }

    public List<PeerTargetRow> Rows()
    {
        lock (_lock)
        {
            var now = _time.GetTimestamp();
            return [.. _targets.Select(target => new PeerTargetRow(
                target.ServerId ?? "",
                target.Endpoint,
                target.Origin,
                target.IsDialling,
                target.Failures,
                target.IsDialling || target.NotBefore <= now ? TimeSpan.Zero : _time.GetElapsedTime(now, target.NotBefore),
                target.LastWords))];
        }
    }

    /// <summary>The wait after so many failures in a row, without the chance.</summary>
    public static TimeSpan WaitAfter(int failures, DialEnd end, PeerOrigin origin)
    {
        // A peer can name a thousand servers that are somebody else's: we are not to be its flood.
        var max = end == DialEnd.Refused || (end == DialEnd.Failed && origin == PeerOrigin.Discovered) ? MaxWaitUnlikely : MaxWait;
        var doubled = FirstWait * Math.Pow(2, Math.Clamp(failures - 1, 0, 16));
        return doubled < max ? doubled : max;
    }

    private bool TryAdd(PeerOrigin origin, string serverId, string endpoint)
    {
        if (serverId == _own || (_targets.Count >= MaxTargets && !TryEvict(origin)))
        {
            return false;
        }

        var soon = Ticks(Jitter * _random.NextDouble());
        _targets.Add(new PeerTarget(origin) { ServerId = serverId, Endpoint = endpoint, NotBefore = _time.GetTimestamp() + soon });
        return true;
    }

    private bool TryEvict(PeerOrigin origin) =>
        origin != PeerOrigin.Discovered
        && _targets.FindIndex(target => target is { Origin: PeerOrigin.Discovered, IsDialling: false }) is >= 0 and var index
        && RemoveAt(index);

    private bool RemoveAt(int index)
    {
        _targets.RemoveAt(index);
        return true;
    }

    private long Ticks(TimeSpan span) => (long)(span.TotalSeconds * _time.TimestampFrequency);
}

/// <summary>A server to dial as it is now. <paramref name="Wait"/>: until the next attempt.</summary>
internal sealed record PeerTargetRow(
    string ServerId, string Endpoint, PeerOrigin Origin, bool IsDialling, int Failures, TimeSpan Wait, string LastWords);
