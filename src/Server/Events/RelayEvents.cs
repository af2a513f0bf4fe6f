using System.Threading.Channels;

namespace Relay.Events;

/// <summary>
/// The one stream of events. Publishing waits for nobody and does no I/O, so it may be done anywhere, under any lock: its own
/// is the innermost, held for a few instructions, and nothing is called under it. The last events are remembered, so a
/// subscriber that begins late misses none. One that reads too slowly loses the oldest: the sequence then has a gap.
/// </summary>
internal sealed class RelayEvents(TimeProvider time, int capacity = RelayEvents.Remembered)
{
    /// <summary>Events that are remembered, and that may wait for one subscriber.</summary>
    public const int Remembered = 1_024;

    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly Queue<PublishedEvent> _past = [];
    private long _published;
    private Channel<PublishedEvent>[] _followers = [];

    public void Publish(RelayEvent happened)
    {
        lock (_lock)
        {
            var published = new PublishedEvent(++_published, time.GetUtcNow(), happened);
            if (_past.Count == capacity)
            {
                _past.Dequeue();
            }

            _past.Enqueue(published);
            foreach (var follower in _followers)
            {
                // Replaces the oldest when it is full.
                follower.Writer.TryWrite(published);
            }
        }
    }

    /// <summary>The newest of those remembered, oldest first.</summary>
    public IReadOnlyList<PublishedEvent> Last(int count)
    {
        lock (_lock)
        {
            return [.. _past.TakeLast(count)];
        }
    }

    /// <summary>The last <paramref name="past"/> events, and those that are published until what is returned is disposed: none is missed in between.</summary>
    public EventFollower Follow(int past = 0)
    {
        var queue = Channel.CreateBounded<PublishedEvent>(new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        lock (_lock)
        {
            foreach (var published in _past.TakeLast(past))
            {
                queue.Writer.TryWrite(published);
            }

            _followers = [.. _followers, queue];
        }

        return new EventFollower(this, queue);
    }

    public void Unfollow(Channel<PublishedEvent> queue)
    {
        lock (_lock)
        {
            _followers = [.. _followers.Where(other => other != queue)];
        }

        queue.Writer.TryComplete();
    }
}

/// <summary>A subscriber to events as they happen.</summary>
internal sealed class EventFollower(RelayEvents events, Channel<PublishedEvent> queue) : IDisposable
{
    /// <summary>Ends after <see cref="Dispose"/>, when what was published before has been read.</summary>
    public IAsyncEnumerable<PublishedEvent> ReadAsync(CancellationToken cancellationToken = default) => queue.Reader.ReadAllAsync(cancellationToken);

    public void Dispose() => events.Unfollow(queue);
}
