using CsCheck;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

public sealed class ConnectionLedgerProperties
{
    private const int KeyCount = 4;

    /// <summary>Any sequence of operations gives what an obvious dictionary of counts gives, step by step.</summary>
    [Fact]
    public void AnyOperations_OneThread_MatchTheModel() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 7], Gen.Int[1, 6]).Array[0, 120].Sample(
            operations =>
            {
                var books = new Books(total: 5, perIp: 2, remembered: 3);
                var model = new LedgerModel(total: 5, perIp: 2, remembered: 3);
                var leases = new List<(AdmissionLease Lease, int Key)>();
                foreach (var (what, key, number) in operations)
                {
                    switch (what)
                    {
                        case < 5:
                            var refusal = books.Ledger.TryAcquire(Books.Key(key), books.Time.GetTimestamp(), out var lease).Refusal;
                            Assert.Equal(model.Take(key), refusal);
                            Assert.Equal(refusal == Refusal.None, lease.IsHeld);
                            if (lease.IsHeld)
                            {
                                leases.Add((lease, key));
                            }

                            break;
                        case < 8 when leases.Count > 0:
                            // Released leases stay in the list: many of these are second releases.
                            var index = number * 7 % leases.Count;
                            leases[index].Lease.Dispose();
                            model.Release(index, leases[index].Key);
                            break;
                        case 8:
                            books.Change((PolicyItems.Total, $"{number}"), (PolicyItems.PerIp, $"{(key == 0 ? model.PerIp : key)}"));
                            (model.Total, model.PerIp) = (number, key == 0 ? model.PerIp : key);
                            break;
                        default:
                            books.Ledger.TryAcquire(Books.Key(key), books.Time.GetTimestamp(), out _, new Standing(Refusal.Stopping));
                            model.CountStopping(key);
                            break;
                    }

                    model.Check(books.Ledger, books.Policies.Current, books.Time);
                }

                leases.ForEach(lease => lease.Lease.Dispose());
                Assert.Equal(0, books.Ledger.Totals().Live);
                Assert.Equal(0, books.Ledger.Totals().KeysHolding);
                Assert.Empty(books.Ledger.Snapshot().HeldLeases());
            },
            iter: 2000);

    /// <summary>Counted from outside: never more leases held than the limits allow, whatever the threads do.</summary>
    [Fact]
    public void ManyThreads_FixedLimits_NeverHoldMore()
    {
        const int Total = 7;
        const int PerIp = 3;
        var books = new Books(Total, PerIp, remembered: 2);
        var shadowTotal = 0;
        var shadow = new int[KeyCount];
        var mostTotal = 0;
        var most = 0;
        OnThreads(4, random =>
        {
            var key = random.Next(KeyCount);
            if (books.Ledger.TryAcquire(Books.Key(key), books.Time.GetTimestamp(), out var lease).Refusal == Refusal.None)
            {
                Raise(ref mostTotal, Interlocked.Increment(ref shadowTotal));
                Raise(ref most, Interlocked.Increment(ref shadow[key]));
                Thread.Yield();
                Interlocked.Decrement(ref shadow[key]);
                Interlocked.Decrement(ref shadowTotal);
                lease.Dispose();
                lease.Dispose();
            }
        });

        Assert.InRange(mostTotal, 1, Total);
        Assert.InRange(most, 1, PerIp);
        Assert.InRange(books.Ledger.Totals().Peak, 1, Total);
        AssertEmpty(books);
    }

    /// <summary>With as many places as threads nobody may ever be refused.</summary>
    [Fact]
    public void ManyThreads_PlacesForAll_RefuseNobody()
    {
        var books = new Books(total: 4, perIp: 4, remembered: 2);
        var refused = 0;
        OnThreads(4, random =>
        {
            if (books.Ledger.TryAcquire(Books.Key(random.Next(KeyCount)), books.Time.GetTimestamp(), out var lease).Refusal != Refusal.None)
            {
                Interlocked.Increment(ref refused);
            }

            lease.Dispose();
        });

        Assert.Equal(0, refused);
        AssertEmpty(books);
    }

    /// <summary>The same lease given back by all threads at once frees one place.</summary>
    [Fact]
    public void ManyThreads_SameLease_GiveBackOnce()
    {
        var books = new Books(total: 10, perIp: 10);
        books.Take(1);
        for (var i = 0; i < 500; i++)
        {
            var lease = books.Take(1);
            Parallel.For(0, 4, _ => lease.Dispose());
            Assert.Equal(1, books.Ledger.Totals().Live);
        }
    }

    /// <summary>While limits change: after Barrier no decision admits above the limit then in force.</summary>
    [Fact]
    public void ManyThreads_ChangingLimits_HoldAfterBarrier()
    {
        var books = new Books(total: 50, perIp: 50);
        var mostOver = 0;
        var changer = new Thread(() =>
        {
            var random = new Random(1);
            for (var i = 0; i < 3000; i++)
            {
                var total = random.Next(1, 12);
                books.Change((PolicyItems.Total, $"{total}"), (PolicyItems.PerIp, $"{random.Next(1, 6)}"));
                books.Ledger.Barrier();
                var live = books.Ledger.Totals().Live;

                // Only releases, and admissions below the limit, can follow.
                Raise(ref mostOver, books.Ledger.Totals().Live - Math.Max(live, total));
            }
        });
        changer.Start();
        OnThreads(3, random =>
        {
            books.Ledger.TryAcquire(Books.Key(random.Next(KeyCount)), books.Time.GetTimestamp(), out var first);
            books.Ledger.TryAcquire(Books.Key(random.Next(KeyCount)), books.Time.GetTimestamp(), out var second);
            Thread.Yield();
            second.Dispose();
            first.Dispose();
            second.Dispose();
        });
        changer.Join();

        Assert.Equal(0, mostOver);
        AssertEmpty(books);
    }

    private static void AssertEmpty(Books books)
    {
        var totals = books.Ledger.Totals();
        Assert.Equal((0, 0), (totals.Live, totals.KeysHolding));
        Assert.All(books.Ledger.Snapshot().Keys(), key => Assert.Equal(0, key.Live));
        Assert.Empty(books.Ledger.Snapshot().HeldLeases());
    }

    private static void OnThreads(int count, Action<Random> step)
    {
        var threads = Enumerable.Range(0, count).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 20_000; i++)
            {
                step(random);
            }
        })).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
    }

    private static void Raise(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value)
        {
            Interlocked.CompareExchange(ref most, value, seen);
        }
    }
}
