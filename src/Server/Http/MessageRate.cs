using Relay.Telemetry;

namespace Relay.Http;

/// <summary>Messages of clients in the last second, and in the last minute.</summary>
internal sealed class MessageRate(RelayMetrics metrics, TimeProvider time)
{
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();

    // Guarded by _lock: counts since the start, oldest first.
    private readonly Queue<(long At, long Count)> _counts = [];
    private (double PerSecond, long PerMinute) _last;

    public (double PerSecond, long PerMinute) Last
    {
        get
        {
            lock (_lock)
            {
                return _last;
            }
        }
    }

    /// <summary>Every second.</summary>
    public void Count()
    {
        var now = (At: time.GetTimestamp(), Count: metrics.MessagesReceived);
        lock (_lock)
        {
            if (_counts.Count > 0)
            {
                var before = _counts.Last();
                var seconds = time.GetElapsedTime(before.At, now.At).TotalSeconds;
                _last.PerSecond = seconds > 0 ? Math.Round((now.Count - before.Count) / seconds, 2) : 0;
            }

            while (_counts.Count > 0 && time.GetElapsedTime(_counts.Peek().At, now.At) > Minute)
            {
                _counts.Dequeue();
            }

            _counts.Enqueue(now);
            _last.PerMinute = now.Count - _counts.Peek().Count;
        }
    }
}
