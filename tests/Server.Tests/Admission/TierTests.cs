using CsCheck;
using Relay.Addresses;
using Relay.Admission;

namespace Server.Tests.Admission;

/// <summary>Networks that many addresses share, in the ledger's own books.</summary>
public sealed class TierTests
{
    [Fact]
    public void TryTake_ManySlash64OfOneSlash56_IsRefusedByTheSlash56()
    {
        var books = new Books(total: 100, perIp: 2, configure: options => (options.Per56, options.Per48) = ("2x", "off"));
        Assert.Equal([Refusal.None, Refusal.None, Refusal.None, Refusal.None, Refusal.Per56Limit], Enumerable.Range(0, 5).Select(i => Take(books, Ipv6(0, (ulong)i)).Refusal));
        Assert.Equal(Refusal.None, Take(books, Ipv6(0, 0x100)).Refusal);
    }

    [Fact]
    public void TryTake_ManySlash56OfOneSlash48_IsRefusedByTheSlash48()
    {
        var books = new Books(total: 100, perIp: 2, configure: options => (options.Per56, options.Per48) = ("off", "2x"));
        Assert.Equal([Refusal.None, Refusal.None, Refusal.None, Refusal.None, Refusal.Per48Limit], Enumerable.Range(0, 5).Select(i => Take(books, Ipv6(0, (ulong)i << 8)).Refusal));
        Assert.Equal(Refusal.None, Take(books, Ipv6(1, 0)).Refusal);
    }

    [Fact]
    public void TryTake_ManyAddressesOfOneSlash24_IsRefusedOnlyWhereItIsSwitchedOn()
    {
        var books = new Books(total: 100, perIp: 2);
        for (var i = 0; i < 5; i++)
        {
            books.Take(i);
        }

        books.Change(("per-24", "2x"));
        Assert.Equal(Refusal.Per24Limit, books.Refused(9));
        books.Take(256);
    }

    [Fact]
    public void TryTake_NetworkThatHoldsSockets_WasSeenWithEachOfItsAddresses()
    {
        var books = new Books(total: 100, perIp: 1);
        foreach (var key in new[] { 1, 2, 2 })
        {
            books.Time.Advance(TimeSpan.FromMinutes(1));
            books.Ledger.TryAcquire(Books.Key(key), books.Time.GetTimestamp(), out _);
            Assert.Equal(books.Time.GetTimestamp(), Assert.Single(books.Ledger.Snapshot().Keys(networks: true)).LastSeen);
        }
    }

    [Fact]
    public void TryTake_OverrideAboveTheTier_CanBeUsed()
    {
        var books = new Books(total: 100, perIp: 2, configure: options => (options.Per56, options.Per48, options.Overrides) = ("4", "4", ["2001:db8::/64=6"]));
        Assert.Equal(
            [Refusal.None, Refusal.None, Refusal.None, Refusal.None, Refusal.None, Refusal.None, Refusal.PerIpLimit],
            Enumerable.Range(0, 7).Select(_ => Take(books, Ipv6(0, 0)).Refusal));
    }

    [Fact]
    public void TryTake_LongerBanIsOver_WiderBanStillHolds()
    {
        var books = new Books(total: 100, perIp: 2);
        var soon = books.Time.GetUtcNow().AddHours(1).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", null);
        books.Change(("ban/0.0.0.0/24", "forever"), ("ban/0.0.0.7", soon));
        Assert.Equal(Refusal.Banned, books.Refused(7));
        books.Time.Advance(TimeSpan.FromHours(2));

        Assert.Equal(Refusal.Banned, books.Refused(7));
    }

    [Fact]
    public void TryTake_TableFullOfAddressesThatWait_CountsNewcomersWithTheirNeighbours()
    {
        var books = new Books(total: 10_000, perIp: 2, remembered: 16, configure: options => options.ConnectRatePerIp = "1/m burst 1");
        for (var i = 0; i < 16; i++)
        {
            Take(books, Ipv6(7, (ulong)i << 8)).Lease.Dispose();
        }

        var leases = Enumerable.Range(0, 20).Select(i => Take(books, Ipv6(0, (ulong)i))).ToList();
        Assert.Equal(IpPrefixOf("2001:db8::/56"), leases[0].Key);
        Assert.Contains(leases, lease => lease.Refusal == Refusal.None);
        Assert.Contains(leases, lease => lease.Refusal != Refusal.None);
        Assert.Empty(books.Ledger.Snapshot().Recount());
        leases.ForEach(lease => lease.Lease.Dispose());
        Assert.Empty(books.Ledger.Snapshot().Recount());
    }

    /// <summary>Whoever comes and goes, also where the table is full and addresses count together: every tier is the sum of its members.</summary>
    [Fact]
    public void AnyOperations_EveryTier_IsARecount() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 2], Gen.Int[0, 5], Gen.Int[0, 3]).Array[0, 150].Sample(operations =>
        {
            var books = new Books(total: 30, perIp: 3, remembered: 16, configure: options =>
            {
                options.ConnectRatePerIp = "1/m burst 2";
                (options.Per56, options.Per48, options.Per24) = ("2x", "3x", "2x");
            });
            for (var i = 0; i < 14; i++)
            {
                Take(books, Ipv6(99, (ulong)i)).Lease.Dispose();
            }

            var held = new List<(AdmissionLease Lease, IpKey Address)>();
            foreach (var (what, site, subnet, host) in operations)
            {
                var address = what % 2 == 0 ? Ipv6((ulong)site, ((ulong)subnet << 6) + (ulong)host) : IpKey.FromIpv4((uint)((site << 8) + (subnet * 4) + host));
                if (what < 6)
                {
                    var (refusal, lease, _) = Take(books, address);
                    Assert.Equal(refusal == Refusal.None, lease.IsHeld);
                    if (lease.IsHeld)
                    {
                        held.Add((lease, address));
                    }
                }
                else if (what < 9 && held.Count > 0)
                {
                    held[host % held.Count].Lease.Dispose();
                    held.RemoveAt(host % held.Count);
                }
                else
                {
                    books.Time.Advance(TimeSpan.FromSeconds(20));
                }

                Assert.Empty(books.Ledger.Snapshot().Recount());
                Assert.Equal(held.Count, books.Ledger.Totals().Live);
                Assert.All(books.Ledger.Snapshot().Keys(networks: true).Where(network => network.Key.PrefixLength is 24 or 48), network =>
                    Assert.True(network.Live >= 0 && network.Live <= held.Count(entry => entry.Address.Truncate(network.Key.PrefixLength) == network.Key)));
            }

            held.ForEach(entry => entry.Lease.Dispose());
            Assert.Empty(books.Ledger.Snapshot().Recount());
            Assert.All(books.Ledger.Snapshot().Keys(networks: true).Concat(books.Ledger.Snapshot().Keys()), key => Assert.Equal(0, key.Live));
        }, iter: 500);

    private static IpKey Ipv6(ulong site, ulong subnet) => IpKey.FromIpv6(0x2001_0DB8_0000_0000UL + (site << 16) + subnet, 1);

    private static IpKey IpPrefixOf(string text) => IpPrefix.TryParse(text, out var prefix, out _) ? prefix.Key : throw new FormatException(text);

    private static (Refusal Refusal, AdmissionLease Lease, IpKey Key) Take(Books books, IpKey address)
    {
        var decision = books.Ledger.TryAcquire(address, books.Time.GetTimestamp(), out var lease);
        return (decision.Refusal, lease, decision.Key);
    }
}
