using System.Collections.Concurrent;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>What the honest clients of one run have seen.</summary>
internal sealed class HonestReport
{
    private readonly ConcurrentQueue<string> _details = [];
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private List<double> _times = [];

    // Atomic.
    private readonly long[] _harms = new long[Enum.GetValues<Harm>().Length];

    /// <summary>What happened to them, in their own words.</summary>
    public IEnumerable<string> Details => _details;

    public long Count(Harm harm) => Interlocked.Read(ref _harms[(int)harm]);

    /// <summary>Counts what happened to an honest client; the same twice counts once.</summary>
    public void Add(HonestFault fault)
    {
        if (fault.TryCount())
        {
            Interlocked.Increment(ref _harms[(int)fault.Harm]);
            _details.Enqueue($"{fault.Harm}: {fault.Message}");
        }
    }

    /// <summary>True when there was a round trip since the last <see cref="Restart"/>.</summary>
    public bool HasRoundTrips
    {
        get
        {
            lock (_lock)
            {
                return _times.Count > 0;
            }
        }
    }

    public void RoundTrip(double milliseconds)
    {
        lock (_lock)
        {
            _times.Add(milliseconds);
        }
    }

    /// <summary>The round trips since the last call, in milliseconds.</summary>
    public double[] Restart()
    {
        lock (_lock)
        {
            var times = _times.ToArray();
            _times = [];
            return times;
        }
    }
}
