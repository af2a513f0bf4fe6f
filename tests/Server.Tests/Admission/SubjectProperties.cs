using CsCheck;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

/// <summary>People are counted as exactly as addresses, and beside them.</summary>
public sealed class SubjectProperties
{
    private const int Total = 6;
    private const int PerIp = 2;
    private const int People = 3;

    /// <summary>Any sequence of arrivals and leaves decides as obvious dictionaries of counts do.</summary>
    [Fact]
    public void AnyOperations_OneThread_MatchTheModel() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 3], Gen.Int[0, People], Gen.Int[0, 3], Gen.Bool).Array[0, 120].Sample(
            operations =>
            {
                var books = new Books(Total, PerIp, remembered: 2);
                books.Change((PolicyItems.Per24, "off"), (PolicyItems.Override + "0.0.0.3", "unlimited"));
                var (addresses, people, total) = (new Dictionary<int, int>(), new Dictionary<int, int>(), 0);
                var held = new List<(AdmissionLease Lease, Action Leave)>();
                foreach (var (what, address, person, limit, isUnlimited) in operations)
                {
                    if (what < 5)
                    {
                        // Person 0 is nobody; address 3 counts against nothing.
                        var subject = person == 0 ? null : new Subject($"p{person}", limit, isUnlimited);
                        var isFree = address == 3;
                        var isByPerson = subject is { IsUnlimited: true } && !isFree;
                        var expected = !isFree && total >= Total ? Refusal.TotalLimit
                            : !isFree && !isByPerson && addresses.GetValueOrDefault(address) >= PerIp ? Refusal.PerIpLimit
                            : subject is { Limit: > 0 } && people.GetValueOrDefault(person) >= limit ? Refusal.PerSubjectLimit
                            : Refusal.None;
                        var decision = books.Ledger.TryAcquire(Books.Key(address), books.Time.GetTimestamp(), out var lease, default, subject);
                        Assert.Equal(expected, decision.Refusal);
                        Assert.Equal(expected == Refusal.None, lease.IsHeld);
                        Assert.Equal(isByPerson, decision.Key.IsSubject);
                        if (lease.IsHeld)
                        {
                            Count(1);
                            held.Add((lease, () => Count(-1)));
                        }

                        void Count(int change)
                        {
                            total += isFree ? 0 : change;
                            addresses[address] = addresses.GetValueOrDefault(address) + (isFree || isByPerson ? 0 : change);
                            people[person] = people.GetValueOrDefault(person) + change;
                        }
                    }
                    else if (held.Count > 0)
                    {
                        var index = ((address * 7) + person) % held.Count;
                        held[index].Lease.Dispose();
                        held[index].Lease.Dispose();
                        held[index].Leave();
                        held.RemoveAt(index);
                    }

                    var snapshot = books.Ledger.Snapshot();
                    Assert.Empty(snapshot.Recount());
                    Assert.Equal(total, snapshot.Total);
                    Assert.All(snapshot.Subjects(), row => Assert.Equal(people.GetValueOrDefault(row.Name![1] - '0'), row.Live));
                    Assert.Equal(people.Count(one => one.Key > 0 && one.Value > 0), books.Ledger.Totals().SubjectsHolding);
                    Assert.Equal(addresses.Count(one => one.Value > 0), books.Ledger.Totals().KeysHolding);
                }
            },
            iter: 1000);

    /// <summary>Counted from outside: however many come at once, from wherever, nobody ever holds more than his limit.</summary>
    [Fact]
    public void ManyThreads_OnePerson_NeverHoldsMore()
    {
        const int Limit = 3;
        var books = new Books(total: 1000, perIp: 1000, remembered: 2);
        var (held, most, admitted) = (0, 0, 0);
        Parallel.For(0, 4, thread =>
        {
            for (var i = 0; i < 5_000; i++)
            {
                var subject = new Subject("alice", Limit, IsUnlimited: (i + thread) % 2 == 0);
                if (books.Ledger.TryAcquire(Books.Key((thread * 7) + (i % 5)), books.Time.GetTimestamp(), out var lease, default, subject).Refusal == Refusal.None)
                {
                    var now = Interlocked.Increment(ref held);
                    InterlockedMax(ref most, now);
                    Interlocked.Increment(ref admitted);
                    Thread.Yield();
                    Interlocked.Decrement(ref held);
                    lease.Dispose();
                }
            }
        });

        Assert.InRange(most, 1, Limit);
        Assert.NotEqual(0, admitted);
        Assert.True(books.Ledger.Totals() is { Live: 0, SubjectsHolding: 0, KeysHolding: 0 });
        Assert.Empty(books.Ledger.Snapshot().Recount());
    }

    /// <summary>What other nodes hold of a person counts, and is read back as it was written.</summary>
    [Fact]
    public void OtherNodes_HoldOnes_CountAgainstHisLimit()
    {
        var books = new Books(total: 100, perIp: 100, remote: time => new RemoteCounts(time));
        var alice = new Subject("alice", Limit: 3);
        var told = new Relay.Cluster.V1.Counts { Sequence = 1, Part = 1, Parts = 1 };
        CountsCodec.Add(told, alice.Key, 2);
        CountsCodec.Add(told, Books.Key(1), 5);
        Assert.Equal(CountsOutcome.Complete, books.Remote!.Apply(7, told, []));

        Assert.Equal(Refusal.None, Take(alice));
        Assert.Equal(Refusal.PerSubjectLimit, Take(alice));
        Assert.Equal(Refusal.None, Take(new Subject("bob", Limit: 1)));

        Refusal Take(Subject subject) => books.Ledger.TryAcquire(Books.Key(9), books.Time.GetTimestamp(), out _, default, subject).Refusal;
    }

    /// <summary>All that is live is told to other nodes, addresses and people, in however small steps.</summary>
    [Fact]
    public void ReadLive_InSteps_HasAddressesAndPeople()
    {
        var books = new Books(total: 100, perIp: 100);
        for (var i = 0; i < 10; i++)
        {
            books.Ledger.TryAcquire(Books.Key(i % 4), books.Time.GetTimestamp(), out _, default, new Subject($"p{i}", IsUnlimited: i % 2 == 0));
        }

        var found = new Dictionary<IpKey, int>();
        var batch = new KeyCount[3];
        for (var from = 0; from >= 0;)
        {
            from = books.Ledger.ReadLive(from, batch, out var count);
            foreach (var one in batch.AsSpan(0, count))
            {
                found.Add(one.Key, one.Live);
            }
        }

        Assert.Equal(10, found.Count(one => one.Key.IsSubject && one.Value == 1));
        Assert.Equal(5, found.Where(one => one.Key.Bits == 32).Sum(one => one.Value));
    }

    private static void InterlockedMax(ref int most, int value)
    {
        int seen;
        while ((seen = Volatile.Read(ref most)) < value && Interlocked.CompareExchange(ref most, value, seen) != seen)
        {
        }
    }
}
