using static Server.Tests.Policy.JournalFolder;

namespace Server.Tests.Policy;

/// <summary>What is for a time, under a wall clock that is stepped, and over restarts.</summary>
public sealed class PolicyClockTests : IDisposable
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    private readonly JournalFolder _journal = new();

    public void Dispose() => _journal.Dispose();

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public void Ttl_WallClockStepped_IsNeitherShorterNorLonger(int hours)
    {
        var store = _journal.Start();
        store.Change(Of(("per-ip", "7"), ("ban/192.0.2.1", "forever scanning")) with { Ttl = Hour });
        _journal.Time.Step = TimeSpan.FromHours(hours);
        _journal.Time.Advance(Hour - TimeSpan.FromMilliseconds(1));
        Assert.Equal((7, "forever scanning"), (store.Current.PerIp, store.Current.Items["ban/192.0.2.1"]));

        // When it ends is told by the clock that people have now.
        Assert.Equal(_journal.Time.GetUtcNow().AddMilliseconds(1), Assert.Single(store.Overview().Pending).Due);
        Assert.Equal(_journal.Time.GetUtcNow().AddMilliseconds(1), store.UntilOf("ban/192.0.2.1"));

        _journal.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal((50, null), (store.Current.PerIp, store.Current.Items["ban/192.0.2.1"]));
    }

    [Theory]
    [InlineData(10)]
    [InlineData(-10)]
    public void Ban_WallClockStepped_HoldsForItsTime(int hours)
    {
        var store = _journal.Start();
        store.Change(Of(("ban/192.0.2.1", "2026-01-01T01:00:00Z")) with { Ttl = Hour });
        Assert.True(Relay.Addresses.IpPrefix.TryParse("192.0.2.1", out var network, out _));
        _journal.Time.Step = TimeSpan.FromHours(hours);
        _journal.Time.Advance(Hour - TimeSpan.FromMilliseconds(1));
        Assert.NotNull(store.Current.BanOf(network.Key));

        _journal.Time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Null(store.Current.BanOf(network.Key));
        Assert.Equal(("relayd", "the ban of revision 2 expired"), (store.Overview().History[^1].Who, store.Overview().History[^1].Reason));
    }

    [Fact]
    public void Ttl_OverARestart_GoesByTheWallClock()
    {
        _journal.Start().Change(Of(("per-ip", "7")) with { Ttl = Hour });
        _journal.Time.Advance(TimeSpan.FromMinutes(20));
        var store = _journal.Start();
        Assert.Equal(7, store.Current.PerIp);
        _journal.Time.Advance(TimeSpan.FromMinutes(40));
        Assert.Equal((50, 3L), (store.Current.PerIp, store.Current.Revision));
    }

    [Fact]
    public void Ttl_OverWhileItDidNotRun_IsRevertedAtTheStartByTheRelay()
    {
        _journal.Start().Change(Of(("per-ip", "7")) with { Ttl = Hour });
        _journal.Time.Step = 2 * Hour;

        var store = _journal.Start();

        var told = Assert.Single(_journal.Events.Last(10)).Event;
        Assert.Equal((50, "Limits changed: per-ip 7 -> 50, revision 3", "relayd"), (store.Current.PerIp, told.Text, told.Who));
        Assert.Equal(3, _journal.Start().Current.Revision);
        Assert.Empty(_journal.Events.Last(10));
    }

    [Fact]
    public void Confirm_OverARestart_IsRemembered()
    {
        _journal.Start().Change(Of(("per-ip", "7")) with { ConfirmWithin = Hour });
        Assert.Equal([2L], _journal.Start().Confirm(null));
        var store = _journal.Start();
        _journal.Time.Advance(2 * Hour);
        Assert.Equal((7, 2L), (store.Current.PerIp, store.Current.Revision));
    }

    [Fact]
    public void Rollback_ToABanForATime_RestoresWhatIsLeftOfIt()
    {
        var store = _journal.Start();
        store.Change(Of(("ban/192.0.2.1", "forever short")) with { Ttl = Hour });
        store.Change(Of(("ban/192.0.2.1", null)));
        store.Change(Of() with { RollbackTo = 2 });
        Assert.NotNull(store.Current.Items["ban/192.0.2.1"]);
        _journal.Time.Advance(Hour);
        Assert.Null(store.Current.Items["ban/192.0.2.1"]);

        Assert.Empty(store.Change(Of() with { RollbackTo = 2 }).Differences);
        Assert.Null(store.Current.Items["ban/192.0.2.1"]);
    }

    [Fact]
    public void Ban_Again_ReplacesTheEarlierOne()
    {
        var store = _journal.Start();
        store.Change(Of(("ban/192.0.2.1", "forever")));
        store.Change(Of(("ban/192.0.2.1", "2026-01-01T01:00:00Z")) with { Ttl = Hour });
        _journal.Time.Advance(Hour);
        Assert.Null(store.Current.Items["ban/192.0.2.1"]);
        Assert.Null(_journal.Start().Current.Items["ban/192.0.2.1"]);
    }
}
