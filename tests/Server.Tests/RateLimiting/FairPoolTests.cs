using CsCheck;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Server.Tests.RateLimiting;

public sealed class FairPoolTests
{
    private readonly FairPool<string> _pool = new();

    [Fact]
    public void Surplus_OfALargerHolder_IsItsListOldestFirst()
    {
        _pool.Add(Address(1), 5, "old");
        _pool.Add(Address(1), 5, "new");

        var added = _pool.Add(Address(2), 5, "other");

        Assert.Equal(["old", "new"], _pool.Surplus(added).Select(held => held.Item));
    }

    [Fact]
    public void Surplus_NobodyHoldsMore_IsTheListOfTheAddedItself()
    {
        _pool.Add(Address(1), 5, "other");

        var added = _pool.Add(Address(2), 5, "added");

        Assert.Same(added, _pool.Surplus(added).First);
    }

    [Fact]
    public void Largest_Holder_IsTheListOfWhoHoldsMost()
    {
        _pool.Add(Address(1), 4, "small");
        _pool.Add(Address(1), 4, "small too");
        var large = _pool.Add(Address(2), 7, "large");
        Assert.Equal(["small", "small too"], _pool.Largest.Select(held => held.Item));

        _pool.Add(Address(2), 2, "more");
        Assert.Equal(["large", "more"], _pool.Largest.Select(held => held.Item));
        _pool.Remove(large);
        Assert.Equal(["small", "small too"], _pool.Largest.Select(held => held.Item));
    }

    [Fact]
    public void Touch_Oldest_MakesItTheNewest()
    {
        var first = _pool.Add(Address(1), 1, "first");
        var second = _pool.Add(Address(1), 1, "second");

        FairPool<string>.Touch(first);

        Assert.Equal(["second", "first"], _pool.Surplus(second).Select(held => held.Item));
    }

    [Fact]
    public void Remove_Twice_CountsOnce()
    {
        var node = _pool.Add(Address(1), 7, "one");
        _pool.Add(Address(2), 2, "two");

        _pool.Remove(node);
        _pool.Remove(node);

        Assert.Equal((1, 2L), (_pool.Count, _pool.Size));
    }

    /// <summary>
    /// A pool that is kept at its bound: whatever others bring, each of the four networks keeps a quarter of it once it has
    /// asked for that much, as far as whole items go.
    /// </summary>
    [Fact]
    public void AnyArrivals_InAFullPool_TakeNothingFromAFairShare() =>
        Gen.Select(Gen.Int[0, 3], Gen.Int[1, 8]).Array[0, 200].Sample(arrivals =>
        {
            const int Bound = 64;
            const int Largest = 8;
            var pool = new FairPool<int>();
            var wanted = new long[4];
            var held = new long[4];
            foreach (var (who, size) in arrivals)
            {
                var added = pool.Add(Address(who), size, who);
                wanted[who] += size;
                held[who] += size;
                while (pool.Size > Bound)
                {
                    var gone = pool.Surplus(added).First!;
                    held[gone.Value.Item] -= gone.Value.Size;
                    pool.Remove(gone);
                }

                Assert.Equal(held.Sum(), pool.Size);
                Assert.All(Enumerable.Range(0, 4), i => Assert.True(held[i] > Math.Min(wanted[i], Bound / 4) - Largest));
            }
        });

    private static IpKey Address(int i) => IpKey.FromIpv4((10u << 24) | ((uint)i << 16) | 1);
}
