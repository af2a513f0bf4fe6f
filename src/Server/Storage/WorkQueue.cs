using System.Threading.Channels;

namespace Relay.Storage;

/// <summary>The work that waits for the database thread, in the order in which it was given. Anybody adds; the database thread takes.</summary>
internal sealed class WorkQueue(StorageOptions options)
{
    // What a writer continues is the database thread's wait for an event: it must not need a thread of the pool for that.
    private readonly Channel<Work> _queue = Channel.CreateUnbounded<Work>(
        new UnboundedChannelOptions { SingleReader = true, AllowSynchronousContinuations = true });

    // Atomic.
    private int _count;

    /// <summary>How much may wait.</summary>
    public int Max => options.MaxWaiting;

    public int Count => Volatile.Read(ref _count);

    /// <summary>False: too much waits, or the queue is closed, as <paramref name="isFull"/> says.</summary>
    public bool TryAdd(Work work, out bool isFull)
    {
        isFull = Interlocked.Increment(ref _count) > options.MaxWaiting;
        if (!isFull && _queue.Writer.TryWrite(work))
        {
            return true;
        }

        Interlocked.Decrement(ref _count);
        return false;
    }

    /// <summary>Waits for work; false: none will come any more.</summary>
    public Task<bool> WaitAsync() => _queue.Reader.WaitToReadAsync().AsTask();

    /// <summary>Takes what waits, up to a whole batch.</summary>
    public void Take(List<Work> batch)
    {
        while (batch.Count < options.BatchSize && TryTake(out var work))
        {
            batch.Add(work);
        }
    }

    public bool TryTake([System.Diagnostics.CodeAnalysis.MaybeNullWhen(false)] out Work work)
    {
        if (!_queue.Reader.TryRead(out work))
        {
            return false;
        }

        Interlocked.Decrement(ref _count);
        return true;
    }

    /// <summary>Takes no more; what waits is still taken from it.</summary>
    public void Close() => _queue.Writer.TryComplete();
}
