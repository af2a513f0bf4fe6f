using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

/// <summary>The records by themselves, beside a list of who is idle in the order in which they were seen.</summary>
public sealed class KeyRecordsProperties
{
    private const int Remembered = 4;

    /// <summary>Without a rate nothing stands in for anything: a new one always has a record, and the one seen longest ago goes.</summary>
    [Fact]
    public void AnyOperations_NoRate_RemembersTheLastSeenAndAllThatHold() =>
        Gen.Select(Gen.Int[0, 2], Gen.Int[0, 11]).Array[0, 100].Sample(operations =>
        {
            var records = new KeyRecords(Remembered, ipv6Prefix: 64, new FakeTimeProvider());
            var live = new Dictionary<IpKey, int>();
            var idle = new List<IpKey>();
            foreach (var (what, number) in operations)
            {
                var key = Key(number);
                if (what == 2 && live.ContainsKey(key))
                {
                    var slot = records.Find(key);
                    records[slot].Live--;
                    if (--live[key] == 0)
                    {
                        live.Remove(key);
                        records.Touch(slot);
                        See(idle, key);
                    }
                }
                else
                {
                    var slot = records.FindOrAdd(key, 0, ConnectRate.Off);
                    Assert.Equal(key, records[slot].Key);
                    if (!live.ContainsKey(key))
                    {
                        See(idle, key);
                    }

                    if (what == 1)
                    {
                        idle.Remove(key);
                        live[key] = live.GetValueOrDefault(key) + 1;
                        records.Enter(slot);
                    }
                }

                Assert.Equal(live.Keys.Concat(idle).ToHashSet(), KeysOf(records).ToHashSet());
                Assert.All(live, entry => Assert.Equal(entry.Value, records[records.Find(entry.Key)].Live));
            }
        });

    /// <summary>A flood of addresses that have all used up their rate: bounded, and no bucket is forgotten before it is full again.</summary>
    [Fact]
    public void FindOrAdd_FullOfAddressesThatWait_IsBoundedAndForgetsNoDebt() =>
        Gen.Select(Gen.Int[0, 3], Gen.UInt[0, 100_000]).Array[1, 200].Sample(attempts =>
        {
            var time = new FakeTimeProvider();
            var records = new KeyRecords(Remembered, ipv6Prefix: 64, time);
            Assert.True(ConnectRate.TryParse("1/m burst 1", out var rate));
            var taken = new Dictionary<IpKey, DateTimeOffset>();
            foreach (var (pause, host) in attempts)
            {
                time.Advance(TimeSpan.FromSeconds(pause));
                var slot = records.FindOrAdd(IpKey.FromIpv4(host), 0, rate);
                var key = records[slot].Key;
                Assert.True(new IpPrefix(key).Contains(IpKey.FromIpv4(host)));
                var waits = rate.WaitFor(1, ref records[slot].Rate, time.GetTimestamp(), time) > TimeSpan.Zero;
                Assert.Equal(taken.TryGetValue(key, out var last) && time.GetUtcNow() - last < TimeSpan.FromMinutes(1), waits);
                if (!waits)
                {
                    rate.Take(ref records[slot].Rate);
                    taken[key] = time.GetUtcNow();
                }

                // Addresses, networks of one size and another, and the whole of IPv4, which always has room.
                Assert.InRange(KeysOf(records).Count(records.IsAddress), 0, Remembered);
                Assert.InRange(KeysOf(records).Count(), 1, (2 * Remembered) + 1);
            }
        });

    /// <summary>The list in which records lie idle and the list of free ones are links in the same fields.</summary>
    [Fact]
    public void Touch_ManyRounds_UsesSlotsAgain()
    {
        var records = new KeyRecords(Remembered, ipv6Prefix: 64, new FakeTimeProvider());
        var slots = Enumerable.Range(0, 10_000).Select(i => records.FindOrAdd(Key(i), i, ConnectRate.Off)).ToHashSet();

        Assert.InRange(slots.Count, Remembered, Remembered + 2);
        Assert.Equal(Enumerable.Range(10_000 - Remembered, Remembered).Select(Key).ToHashSet(), KeysOf(records).ToHashSet());
    }

    private static IpKey Key(int number) => IpKey.FromIpv4((uint)number);

    private static void See(List<IpKey> idle, IpKey key)
    {
        idle.Remove(key);
        idle.Add(key);
        if (idle.Count > Remembered)
        {
            idle.RemoveAt(0);
        }
    }

    private static IEnumerable<IpKey> KeysOf(KeyRecords records) => records.Snapshot().Select(row => row.Totals.Key);
}
