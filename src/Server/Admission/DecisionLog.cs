using System.Threading.Channels;
using Relay.Addresses;

namespace Relay.Admission;

/// <summary>A decision as it is kept and published.</summary>
/// <param name="Sequence">Counts up by one with each that is logged.</param>
/// <param name="Address">The whole address.</param>
internal readonly record struct LoggedDecision(long Sequence, DateTimeOffset Time, IpKey Address, Decision Decision);

/// <summary>
/// The last decisions, sampled per key, for explain and tail. A ring of fixed size; nothing is allocated for a decision
/// unless there is a subscriber.
/// </summary>
internal sealed class DecisionLog(TimeProvider time, int capacity = DecisionLog.Remembered)
{
    /// <summary>Decisions that explain and tail look back on: about 1 MB, and with ten in ten seconds of each key the last minutes of some hundred addresses.</summary>
    public const int Remembered = 4_096;

    // A follower that does not keep up loses the oldest and sees it in the sequence.
    private const int FollowerQueue = 1_024;

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private LoggedDecision[] _ring = [];
    private long _count;

    // Replaced whole under _lock, read anywhere.
    private volatile Channel<LoggedDecision>[] _followers = [];

    public void Record(IpKey address, in Decision decision)
    {
        if (!decision.IsLogged)
        {
            return;
        }

        LoggedDecision logged;
        lock (_lock)
        {
            if (_ring.Length == 0)
            {
                _ring = new LoggedDecision[capacity];
            }

            logged = new LoggedDecision(_count, time.GetUtcNow(), address, decision);
            _ring[_count++ % _ring.Length] = logged;
        }

        foreach (var follower in _followers)
        {
            follower.Writer.TryWrite(logged);
        }
    }

    /// <summary>The last of those that <paramref name="filter"/> takes, newest first.</summary>
    public IReadOnlyList<LoggedDecision> Last(int most, Func<LoggedDecision, bool> filter)
    {
        var found = new List<LoggedDecision>();
        lock (_lock)
        {
            for (var i = _count - 1; i >= Math.Max(0, _count - _ring.Length) && found.Count < most; i--)
            {
                if (filter(_ring[i % _ring.Length]))
                {
                    found.Add(_ring[i % _ring.Length]);
                }
            }
        }

        return found;
    }

    /// <summary>Decisions as they happen, from now until what is returned is disposed.</summary>
    public DecisionFollower Follow()
    {
        var queue = Channel.CreateBounded<LoggedDecision>(new BoundedChannelOptions(FollowerQueue)
        {
            FullMode = BoundedChannelFullMode.DropOldest,
            SingleReader = true,
        });
        lock (_lock)
        {
            _followers = [.. _followers, queue];
        }

        return new DecisionFollower(this, queue);
    }

    public void Unfollow(Channel<LoggedDecision> queue)
    {
        lock (_lock)
        {
            _followers = [.. _followers.Where(other => other != queue)];
        }

        queue.Writer.TryComplete();
    }
}

/// <summary>A subscriber to decisions as they happen.</summary>
internal sealed class DecisionFollower(DecisionLog log, Channel<LoggedDecision> queue) : IDisposable
{
    public IAsyncEnumerable<LoggedDecision> ReadAsync(CancellationToken cancellationToken) => queue.Reader.ReadAllAsync(cancellationToken);

    public void Dispose() => log.Unfollow(queue);
}
