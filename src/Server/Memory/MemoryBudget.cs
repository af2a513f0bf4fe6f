using System.Buffers;
using System.Numerics;

namespace Relay.Memory;

/// <summary>
/// The memory that clients can make the relay keep for them: unfinished messages, what waits to be sent, upstream messages and
/// pending handshakes, all of them together. What comes and goes at once never touches it. Who wants to keep more of an
/// unfinished message waits when the budget is used up; what cannot wait is added all the same and makes it
/// <see cref="Exceeded"/>, and then somebody has to go. Thread-safe.
/// </summary>
internal sealed class MemoryBudget(long limit)
{
    /// <summary>For bytes that are nobody's.</summary>
    public static readonly MemoryBudget Unlimited = new(long.MaxValue / 2);

    // The shared pool has no smaller arrays.
    private const int MinRentedBytes = 16;

    /// <summary>Messages of the greatest length that the smallest budget holds.</summary>
    public const int MinMessages = 8;

    private const int MemoryShare = 8;

    /// <summary>Part of the limit that is made free when it is exceeded, so that it is not exceeded again by the next byte: an eighth.</summary>
    private const int FreeShare = 8;

    /// <summary>What can be bounded by itself, such as pending handshakes, takes a quarter of the budget at most.</summary>
    private const int PartShare = 4;

    private readonly Lock _lock = new();

    // Guarded by _lock; in the order of arrival. The number of them is also read without it.
    private readonly LinkedList<Waiter> _waiters = [];
    private int _waiting;
    private long _demand;
    private long _arrivals;

    // Atomic.
    private long _used;

    /// <summary>More was added than there is. On any thread, often, and under locks: whoever listens does nothing here but note it.</summary>
    public event Action? Exceeded;

    /// <summary>Bytes that there are.</summary>
    public long Limit => limit;

    /// <summary>Bytes that one kind of holders may take which bounds itself.</summary>
    public long PartLimit => limit / PartShare;

    /// <summary>Bytes in use.</summary>
    public long Used => Math.Max(0, Interlocked.Read(ref _used));

    /// <summary>
    /// Twice the limit is in use: closing those who hold most is too slow for what comes in, and nothing more may be kept.
    /// </summary>
    public bool IsExhausted => Interlocked.Read(ref _used) / 2 > limit;

    /// <summary>How many wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>The number of the one that has waited longest, which stays the same for as long as it waits; null: nobody waits.</summary>
    public long? Oldest
    {
        get
        {
            lock (_lock)
            {
                return _waiters.First?.Value.Number;
            }
        }
    }

    /// <summary>Bytes that should be given back: what is above the limit, or what those who wait ask for, half of the limit at most.</summary>
    public long Excess
    {
        get
        {
            lock (_lock)
            {
                return Used - (limit - Math.Max(limit / FreeShare, Math.Min(_demand, limit / 2)));
            }
        }
    }

    /// <summary>The budget of a process.</summary>
    /// <param name="mebibytes">What the operator has set; 0: an eighth of the memory.</param>
    /// <param name="memory">Bytes of memory that there are.</param>
    /// <param name="maxMessageBytes">The longest message, of which <see cref="MinMessages"/> always fit.</param>
    public static MemoryBudget Of(int mebibytes, long memory, int maxMessageBytes) =>
        new(Math.Max(mebibytes > 0 ? (long)mebibytes << 20 : memory / MemoryShare, MinMessages * (long)SizeOf(maxMessageBytes)));

    /// <summary>How long an array is that is rented for so many bytes.</summary>
    public static int SizeOf(int bytes) => (int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(bytes, MinRentedBytes));

    /// <summary>An array of the shared pool, which is added for as long as it is rented.</summary>
    public byte[] Rent(int bytes)
    {
        var rented = ArrayPool<byte>.Shared.Rent(bytes);
        Add(rented.Length);
        return rented;
    }

    /// <summary>A larger array with the same first bytes, in place of one that is returned.</summary>
    /// <param name="isTaken">The difference has been taken already.</param>
    public byte[] Resize(byte[]? rented, int used, int bytes, bool isTaken)
    {
        var larger = ArrayPool<byte>.Shared.Rent(bytes);
        var growth = larger.Length;
        if (rented is not null)
        {
            rented.AsSpan(0, used).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(rented);
            growth -= rented.Length;
        }

        if (!isTaken)
        {
            Add(growth);
        }

        return larger;
    }

    /// <summary>Returns an array of <see cref="Rent"/>; null: there is none.</summary>
    public void Return(byte[]? rented)
    {
        if (rented is not null)
        {
            ArrayPool<byte>.Shared.Return(rented);
            Release(rented.Length);
        }
    }

    /// <summary>Adds bytes that cannot wait.</summary>
    public void Add(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) > limit)
        {
            Exceeded?.Invoke();
        }
    }

    /// <summary>Gives bytes back.</summary>
    public void Release(long bytes)
    {
        Interlocked.Add(ref _used, -bytes);
        if (Volatile.Read(ref _waiting) > 0)
        {
            lock (_lock)
            {
                Grant();
            }
        }
    }

    /// <summary>Takes bytes if there are as many and nobody waits for some.</summary>
    public bool TryTake(long bytes) => Volatile.Read(ref _waiting) == 0 && TryAdd(bytes);

    /// <summary>Takes bytes as soon as there are as many, in the order of asking. False: the token was cancelled before that.</summary>
    public async ValueTask<bool> TakeAsync(long bytes, CancellationToken cancellation)
    {
        var waiter = new Waiter(bytes, Interlocked.Increment(ref _arrivals));
        lock (_lock)
        {
            _waiters.AddLast(waiter.Node);
            _demand += bytes;
            Interlocked.Increment(ref _waiting);
            Grant();
        }

        await using (cancellation.UnsafeRegister(static (state, _) =>
        {
            var (budget, given) = ((MemoryBudget, Waiter))state!;
            budget.Cancel(given);
        }, (this, waiter)))
        {
            return await waiter.Task;
        }
    }

    private bool TryAdd(long bytes)
    {
        for (var used = Interlocked.Read(ref _used); used + bytes <= limit;)
        {
            var found = Interlocked.CompareExchange(ref _used, used + bytes, used);
            if (found == used)
            {
                return true;
            }

            used = found;
        }

        return false;
    }

    // Under the lock.
    private void Grant()
    {
        while (_waiters.First?.Value is { } first && TryAdd(first.Bytes))
        {
            Remove(first);
            first.SetResult(true);
        }
    }

    private void Cancel(Waiter waiter)
    {
        lock (_lock)
        {
            if (waiter.Node.List is not null)
            {
                Remove(waiter);
                waiter.SetResult(false);
                Grant();
            }
        }
    }

    // Under the lock.
    private void Remove(Waiter waiter)
    {
        _waiters.Remove(waiter.Node);
        _demand -= waiter.Bytes;
        Interlocked.Decrement(ref _waiting);
    }

    private sealed class Waiter : TaskCompletionSource<bool>
    {
        public Waiter(long bytes, long number)
            : base(TaskCreationOptions.RunContinuationsAsynchronously)
        {
            (Bytes, Number) = (bytes, number);
            Node = new LinkedListNode<Waiter>(this);
        }

        public long Bytes { get; }

        public long Number { get; }

        public LinkedListNode<Waiter> Node { get; }
    }
}
