using Relay.Admission;

namespace Server.Tests.Admission;

/// <summary>What the second set of limits would have said, and that it never decides.</summary>
public sealed class ShadowCountsTests
{
    [Fact]
    public void Judge_TighterShadow_CountsWhatItWouldRefuseAndRefusesNothing()
    {
        var books = new Books(total: 10, perIp: 5);
        books.Change(("shadow/per-ip", "2"), ("shadow/total", "4"));
        Assert.Equal([Refusal.None, Refusal.None, Refusal.PerIpLimit, Refusal.PerIpLimit, Refusal.TotalLimit], Enumerable.Range(0, 5).Select(_ => Shadow(books, 1)));

        AssertTotals(books, admits: 0, (Refusal.PerIpLimit, 2), (Refusal.TotalLimit, 1));
        Assert.Equal((5, 3L, 0L), (books.Of(1)!.Value.Live, books.Of(1)!.Value.ShadowRefused, books.Of(1)!.Value.Refused));
    }

    [Fact]
    public void Judge_WiderShadow_CountsWhomItWouldAdmit()
    {
        var books = new Books(total: 10, perIp: 1);
        books.Change(("shadow/per-ip", "2"));
        books.Take(1);
        Assert.Equal(Refusal.PerIpLimit, books.Refused(1));
        Assert.Equal(Refusal.PerIpLimit, books.Refused(1));

        AssertTotals(books, admits: 2);
    }

    [Fact]
    public void Judge_BothRefuseForDifferentReasons_IsNoDifference()
    {
        var books = new Books(total: 10, perIp: 1);
        books.Change(("shadow/override/0.0.0.1", "deny"));
        books.Take(1);
        Assert.Equal(Refusal.PerIpLimit, books.Refused(1));

        AssertTotals(books, admits: 0, (Refusal.Denied, 1));
    }

    [Theory]
    [InlineData("deny", 3, 1)]
    [InlineData("2", 1, 0)]
    [InlineData("3", 0, 0)]
    [InlineData("unlimited", 0, 0)]
    public void Judge_UnlimitedNetwork_IsJudgedByItsOwnSockets(string shadow, int refusedOfThree, int refusedOfAnother)
    {
        var books = new Books(total: 10, perIp: 1);
        books.Change(("override/0.0.0.0/24", "unlimited"), ("shadow/override/0.0.0.0/24", shadow));
        var reason = shadow == "deny" ? Refusal.Denied : Refusal.PerIpLimit;
        Assert.Equal(Enumerable.Range(1, 3).Select(i => i > 3 - refusedOfThree ? reason : Refusal.None), Enumerable.Range(0, 3).Select(_ => Shadow(books, 1)));
        Shadow(books, 2);

        Assert.Equal((0, 4), (books.Ledger.Totals().Live, books.Ledger.Totals().Uncounted));
        var refused = refusedOfThree + refusedOfAnother;
        AssertTotals(books, admits: 0, refused == 0 ? [] : [(reason, refused)]);
        Assert.Equal(refusedOfThree, books.Of(1)!.Value.ShadowRefused);
    }

    [Fact]
    public void Judge_UnlimitedSocketsLeaveAndWereThereBefore_AreCountedAsTheyAre()
    {
        var books = new Books(total: 10, perIp: 1);
        books.Change(("override/0.0.0.1", "unlimited"));
        var early = books.Take(1);
        books.Take(1);
        books.Change(("shadow/override/0.0.0.1", "2"));
        Assert.Equal(Refusal.PerIpLimit, Shadow(books, 1));
        early.Dispose();
        early.Dispose();

        Assert.Equal((Refusal.PerIpLimit, 2), (Shadow(books, 1), books.Ledger.InputsOf(Books.Key(1), default, null, books.Time.GetTimestamp()).Input.Local.Key - 1));
        AssertTotals(books, admits: 0, (Refusal.PerIpLimit, 2));
    }

    [Fact]
    public void Judge_UnlimitedNetworkUnderATierOfTheShadow_IsJudgedByIt()
    {
        var books = new Books(total: 10, perIp: 9);
        books.Change(("override/0.0.0.0/24", "unlimited"), ("shadow/override/0.0.0.0/24", "5"), ("shadow/per-24", "2"));
        var leases = Enumerable.Range(1, 5).Select(books.Take).ToList();
        Assert.Equal(Refusal.Per24Limit, Shadow(books, 6));
        leases.ForEach(lease => lease.Dispose());

        Assert.Equal(Refusal.None, Shadow(books, 6));
    }

    [Fact]
    public void Judge_LiveNumberAndShadowUnlimited_WouldAdmit()
    {
        var books = new Books(total: 10, perIp: 1);
        books.Change(("override/0.0.0.2", "deny"), ("shadow/override/0.0.0.0/24", "unlimited"), ("shadow/override/0.0.0.2", "unlimited"));
        books.Take(1);
        Assert.Equal((Refusal.PerIpLimit, Refusal.Denied), (books.Refused(1), books.Refused(2)));

        AssertTotals(books, admits: 2);
    }

    [Fact]
    public void Judge_RateOfTheShadow_HasABucketOfItsOwn()
    {
        var books = new Books(total: 10, perIp: 9);
        books.Change(("shadow/rate-per-ip", "1/s burst 2"));
        Assert.Equal([Refusal.None, Refusal.None, Refusal.RatePerIp], Enumerable.Range(0, 3).Select(_ => Shadow(books, 1)));
        books.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((Refusal.None, Refusal.RatePerIp, Refusal.None), (Shadow(books, 1), Shadow(books, 1), Shadow(books, 2)));
    }

    [Fact]
    public void Totals_ShadowChanged_BeginAnew()
    {
        var books = new Books(total: 10, perIp: 9);
        books.Change(("shadow/per-ip", "1"));
        books.Take(1);
        books.Take(1);
        books.Change(("per-ip", "8"));
        AssertTotals(books, admits: 0, (Refusal.PerIpLimit, 1));
        books.Change(("shadow/per-ip", "2"));
        AssertTotals(books, admits: 0);
        books.Change(("shadow/per-ip", null));
        AssertTotals(books, admits: 0);
        Assert.False(books.Ledger.TryAcquire(Books.Key(1), books.Time.GetTimestamp(), out _).HasShadow);
    }

    private static Refusal Shadow(Books books, int key)
    {
        var decision = books.Ledger.TryAcquire(Books.Key(key), books.Time.GetTimestamp(), out var lease);
        Assert.True(decision.HasShadow && lease.IsHeld);
        return decision.Shadow;
    }

    private static void AssertTotals(Books books, long admits, params (Refusal Refusal, long Count)[] refused)
    {
        var totals = books.Ledger.ShadowTotals();
        Assert.Equal(admits, totals.Admits);
        Assert.Equal(refused.OrderBy(entry => entry.Refusal), totals.Refused.Select((count, i) => ((Refusal)i, count)).Where(entry => entry.count > 0));
    }
}
