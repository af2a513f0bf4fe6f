using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

public sealed class ConnectionLedgerTests
{
    [Fact]
    public void TryTake_AtTheLimitOfAKey_RefusesThatKeyAlone()
    {
        var books = new Books(total: 10, perIp: 2);
        books.Take(1);
        books.Take(1);

        Assert.Equal(Refusal.PerIpLimit, books.Refused(1));
        books.Take(2);
    }

    [Fact]
    public void TryTake_AtBothLimits_NamesTheTotal()
    {
        var books = new Books(total: 2, perIp: 2);
        books.Take(1);
        books.Take(1);

        Assert.Equal(Refusal.TotalLimit, books.Refused(1));
        Assert.Equal(Refusal.TotalLimit, books.Refused(2));
    }

    [Fact]
    public void Release_OneOfTwoAtTheLimit_FreesOnePlace()
    {
        var books = new Books(total: 2, perIp: 2);
        books.Take(1).Dispose();
        books.Take(1);
        books.Take(2);

        Assert.Equal(Refusal.TotalLimit, books.Refused(3));
    }

    [Fact]
    public void Release_TwiceAndByCopies_GivesBackOnce()
    {
        var books = new Books(total: 10, perIp: 10);
        var lease = books.Take(1);
        var copy = lease;
        books.Take(1);

        lease.Dispose();
        lease.Dispose();
        copy.Dispose();

        Assert.Equal(1, books.Ledger.Totals().Live);
    }

    [Fact]
    public void Release_StaleCopyAfterTheSlotIsUsedAgain_DoesNothing()
    {
        var books = new Books(total: 10, perIp: 10);
        var old = books.Take(1);
        old.Dispose();
        var young = books.Take(2);
        Assert.Equal(old.Slot, young.Slot);

        old.Dispose();

        Assert.Equal(1, books.Ledger.Totals().Live);
        Assert.Equal(Books.Key(2), Assert.Single(books.Ledger.Snapshot().HeldLeases()).Value);
    }

    [Fact]
    public void Dispose_DefaultLease_DoesNothing()
    {
        default(AdmissionLease).Dispose();

        Assert.False(default(AdmissionLease).IsHeld);
    }

    [Fact]
    public void Totals_AfterComingsAndGoings_AddUp()
    {
        var books = new Books(total: 3, perIp: 2);
        var first = books.Take(1);
        books.Take(1);
        books.Refused(1);
        books.Take(2);
        books.Refused(2);
        first.Dispose();
        books.Ledger.TryAcquire(Books.Key(9), books.Time.GetTimestamp(), out _, new Standing(Refusal.Stopping));

        var totals = books.Ledger.Totals();
        Assert.Equal((2, 3, 2, 3L), (totals.Live, totals.Peak, totals.KeysHolding, totals.Admitted));
        Assert.Equal(
            (1L, 1L, 1L),
            (totals.RefusedBy(Refusal.TotalLimit), totals.RefusedBy(Refusal.PerIpLimit), totals.RefusedBy(Refusal.Stopping)));
    }

    [Fact]
    public void Keys_OneKey_TellsItsFiguresAndTimes()
    {
        var books = new Books(total: 10, perIp: 1);
        var started = books.Time.GetTimestamp();
        var lease = books.Take(1);
        books.Time.Advance(TimeSpan.FromSeconds(1));
        books.Refused(1);
        books.Time.Advance(TimeSpan.FromSeconds(1));
        lease.Dispose();

        Assert.Equal(new KeyTotals(Books.Key(1), 0) { Peak = 1, Admitted = 1, Refused = 1, FirstSeen = started, LastSeen = books.Time.GetTimestamp() }, books.Of(1));
    }

    [Fact]
    public void Keys_ManyStrangers_RemembersTheLatestOnly()
    {
        var books = new Books(total: 10, perIp: 10, remembered: 3);
        foreach (var key in Enumerable.Range(1, 5))
        {
            books.Take(key).Dispose();
        }

        Assert.Equal([3, 4, 5], books.Ledger.Snapshot().Keys().Select(totals => (int)totals.Key.Low).Order());
    }

    [Fact]
    public void Keys_RefusedStrangers_AreBoundedToo()
    {
        var books = new Books(total: 1, perIp: 1, remembered: 3);
        books.Take(1);
        foreach (var key in Enumerable.Range(2, 1000))
        {
            books.Refused(key);
        }

        Assert.Equal([1, 999, 1000, 1001], books.Ledger.Snapshot().Keys().Select(totals => (int)totals.Key.Low).Order());
    }

    [Fact]
    public void Keys_LiveKey_IsNeverForgotten()
    {
        var books = new Books(total: 100, perIp: 10, remembered: 1);
        var live = Enumerable.Range(1, 20).Select(books.Take).ToList();
        foreach (var key in Enumerable.Range(100, 50))
        {
            books.Take(key).Dispose();
        }

        Assert.Equal(20, books.Ledger.Snapshot().Keys().Count(totals => totals.Live == 1));
        live.ForEach(lease => lease.Dispose());
        Assert.Single(books.Ledger.Snapshot().Keys());
        Assert.Equal(0, books.Ledger.Totals().Live);
    }

    [Fact]
    public void Settle_AfterALowerLimit_CountsWhoIsOver()
    {
        var books = new Books(total: 10, perIp: 3);
        books.Take(1);
        books.Take(1);
        books.Take(2);
        books.Change((PolicyItems.Total, "2"), (PolicyItems.PerIp, "1"));

        Assert.Equal((3, 1), (books.Ledger.Totals().Live, books.Ledger.Snapshot().Excess(books.Policies.Current, books.Time).Count(over => !over.IsNetwork)));
        Assert.Equal(Refusal.TotalLimit, books.Refused(3));
    }

    /// <summary>Whatever the rules are: tiers, rates, bans, denials, unlimited networks, a shadow, a full address table.</summary>
    [Fact]
    public void TryAcquire_AfterWarmUp_AllocatesNothing()
    {
        var books = new Books(total: 8, perIp: 2, remembered: 16, configure: options =>
            (options.Per24, options.ConnectRatePerIp, options.ConnectRateTotal) = ("2x", "1000/s burst 1000", "100000/s burst 100000"));
        books.Change(
            ("override/0.0.0.7", "unlimited"), ("override/0.0.0.8", "deny"), ("override/0.0.0.9", "5"), ("ban/0.0.0.10", "forever"),
            ("shadow/per-ip", "1"), ("shadow/rate-per-ip", "1/s burst 2"));

        // Until the ring of past admissions has its full size.
        for (var i = 0; i < 120; i++)
        {
            AdmitAndRefuse(books);
        }

        Assert.Equal(16_384, books.Ledger.RecentAdmissions().Length);
        var before = GC.GetAllocatedBytesForCurrentThread();
        AdmitAndRefuse(books);

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void AdmitAndRefuse(Books books)
    {
        for (var i = 0; i < 200; i++)
        {
            books.Ledger.TryAcquire(Books.Key(i % 50), books.Time.GetTimestamp(), out var first);
            books.Ledger.TryAcquire(Books.Key(i % 50), books.Time.GetTimestamp(), out var second);
            books.Ledger.TryAcquire(Books.Key(i % 50), books.Time.GetTimestamp(), out _);
            books.Ledger.TryRejectEarly(Books.Key(i % 50), default, OverloadLevel.Critical, OverloadLevel.Critical, books.Time.GetTimestamp(), out _);
            first.Dispose();
            second.Dispose();
            second.Dispose();
            books.Time.Advance(TimeSpan.FromMilliseconds(100));
        }
    }
}
