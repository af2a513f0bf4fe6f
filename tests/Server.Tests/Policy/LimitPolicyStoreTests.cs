using Microsoft.Extensions.Time.Testing;
using Relay.Events;
using Relay.Policy;

namespace Server.Tests.Policy;

public sealed class LimitPolicyStoreTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RelayEvents _events;
    private readonly LimitPolicyStore _store;

    public LimitPolicyStoreTests()
    {
        _events = new RelayEvents(_time);
        _store = new LimitPolicyStore(new AdmissionOptions { Total = 10, PerIp = 2, Ipv6Prefix = 56, Overrides = ["203.0.113.0/24=7"] }, _time, events: _events);
    }

    public void Dispose() => _store.Dispose();

    [Fact]
    public void Current_AtStart_IsTheOptions()
    {
        var policy = _store.Current;
        Assert.Equal((10, 2, 56, 1L), (policy.Total, policy.PerIp, policy.Ipv6Prefix, policy.Revision));
        Assert.Equal("7", policy.Items["override/203.0.113.0/24"]);
    }

    [Fact]
    public void Change_SomeItems_LeavesTheOthers()
    {
        var result = Change(("per-ip", "5"), ("ban/198.51.100.0/24", "forever scanning"));

        Assert.Equal((1L, 2L), (result.Before.Revision, result.After.Revision));
        Assert.Equal((10, 5), (_store.Current.Total, _store.Current.PerIp));
        Assert.Equal(
            [new PolicyDifference("ban/198.51.100.0/24", null, "forever scanning"), new PolicyDifference("per-ip", "2", "5")],
            result.Differences);
        Assert.Same(result.After, _store.Current);
    }

    [Fact]
    public async Task Hold_UntilItIsResumed_HasChangesWait()
    {
        await _store.HoldAsync();
        var change = _store.ChangeAsync(Of(("per-ip", "5")));
        Assert.False(change.IsCompleted);

        _store.Resume(isHandedOver: false);

        Assert.Equal(5, (await change).After.PerIp);
    }

    // The journal is another process' now: nothing may be written to it, and nobody be told that it was.
    [Fact]
    public async Task Resume_HandedOver_ChangesFailAndTemporaryOnesStillEnd()
    {
        await _store.ChangeAsync(Of(("per-ip", "5")) with { Ttl = TimeSpan.FromMinutes(1) });
        await _store.HoldAsync();
        var waiting = _store.ChangeAsync(Of(("per-ip", "6")));

        _store.Resume(isHandedOver: true);

        Assert.Equal("Another process has taken the place of this relay; call again", (await waiting).NotWritten);
        Assert.Equal(5, _store.Current.PerIp);
        _time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(2, _store.Current.PerIp);
    }

    [Theory]
    [InlineData("per-ip", "0")]
    [InlineData("per-ip", "-1")]
    [InlineData("per-ip", null)]
    [InlineData("per-ip", "1000001")]
    [InlineData("per-56", "x")]
    [InlineData("per-48", "0x")]
    [InlineData("rate-per-ip", "20")]
    [InlineData("rate-total", "20/s burst")]
    [InlineData("rate-total", "0/s")]
    [InlineData("unresolved", "maybe")]
    [InlineData("no-such", "1")]
    [InlineData("override/10.0.0.1/8", "5")]
    [InlineData("override/10.0.0.0/8", "-5")]
    [InlineData("override/2001:db8::/64", "5")]
    [InlineData("ban/10.0.0.0/8", "tomorrow")]
    [InlineData("ban/nobody", "forever")]
    [InlineData("ban/192.0.2.1", "forever line\nbreak")]
    [InlineData("shadow/shadow/per-ip", "5")]
    public void Change_NotValid_ChangesNothingAndSaysWhy(string path, string? text)
    {
        var result = Change((path, text), ("total", "11"));

        Assert.Equal(path, Assert.Single(result.Errors).Path);
        Assert.Equal((1L, 10), (_store.Current.Revision, _store.Current.Total));
    }

    [Fact]
    public void Change_DryRun_ChangesNothing()
    {
        var result = _store.Change(Of(("total", "20")) with { DryRun = true });

        Assert.Equal((20, 10, 1L), (result.After.Total, _store.Current.Total, _store.Current.Revision));
        Assert.Single(_store.Overview().History);
    }

    [Fact]
    public void Change_FromAnOldRevision_IsStale()
    {
        Change(("total", "20"));

        var result = _store.Change(Of(("total", "30")) with { ExpectedRevision = 1 });

        Assert.True(result.IsStale);
        Assert.Equal((20, 2L), (_store.Current.Total, _store.Current.Revision));
    }

    [Fact]
    public void Change_ManyWritersOfOneRevision_OneWins()
    {
        var won = 0;
        Parallel.For(0, 100, i =>
        {
            if (!_store.Change(Of(("total", $"{i + 1}")) with { ExpectedRevision = 1 }).IsStale)
            {
                Interlocked.Increment(ref won);
            }
        });

        Assert.Equal((1, 2L), (won, _store.Current.Revision));
    }

    [Fact]
    public void HoldFor_WhenItsTimeIsOver_IsTakenBack()
    {
        _store.Change(Of(("per-ip", "1"), ("override/203.0.113.0/24", "deny")) with { Ttl = TimeSpan.FromMinutes(30) });
        _time.Advance(TimeSpan.FromMinutes(30) - TimeSpan.FromTicks(1));
        Assert.Equal(1, _store.Current.PerIp);

        _time.Advance(TimeSpan.FromTicks(1));

        Assert.Equal((2, "7", 3L), (_store.Current.PerIp, _store.Current.Items["override/203.0.113.0/24"], _store.Current.Revision));
        Assert.Equal(["test", "relayd"], _events.Last(10).Select(published => published.Event.Who));
        Assert.Empty(_store.Overview().Pending);
    }

    /// <summary>Thousands of bans may end at once after a night without the relay: other events stay in the stream, and no revert goes uncounted.</summary>
    [Fact]
    public void HoldFor_ManyAtOnce_TellsOfTheFirstAndCountsTheOthers()
    {
        const int Many = 300;
        for (var i = 0; i < Many; i++)
        {
            _store.Change(Of(($"ban/198.51.{i / 250}.{i % 250 + 1}", "forever")) with { Ttl = TimeSpan.FromHours(1) });
        }

        _time.Advance(TimeSpan.FromHours(1));

        Assert.Equal((2 * Many) + 1, _store.Current.Revision);
        var reverts = _events.Last(int.MaxValue).Skip(Many).Select(published => published.Event).ToList();
        Assert.Equal(101, reverts.Count);
        Assert.All(reverts, revert => Assert.Equal(("relayd", "Revert"), (revert.Who, revert.Change!.Method)));
        Assert.Equal("200 more changes expired, revisions 402 to 601; `relayctl limits history` lists them", reverts[^1].Text);
    }

    [Fact]
    public void HoldFor_LongerThanATimerRuns_IsTakenBackAllTheSame()
    {
        _store.Change(Of(("per-ip", "1")) with { Ttl = TimeSpan.FromDays(30) });
        for (var day = 0; day < 30; day++)
        {
            Assert.Equal(1, _store.Current.PerIp);
            _time.Advance(TimeSpan.FromDays(1));
        }

        Assert.Equal(2, _store.Current.PerIp);
    }

    [Fact]
    public void HoldFor_ItemChangedAgainMeanwhile_KeepsTheLaterValue()
    {
        _store.Change(Of(("per-ip", "1"), ("total", "5")) with { Ttl = TimeSpan.FromMinutes(30) });
        Change(("per-ip", "4"));
        _time.Advance(TimeSpan.FromMinutes(30));

        Assert.Equal((4, 10), (_store.Current.PerIp, _store.Current.Total));
    }

    [Fact]
    public void ConfirmWithin_NotConfirmed_IsTakenBack()
    {
        _store.Change(Of(("per-ip", "1")) with { ConfirmWithin = TimeSpan.FromSeconds(60), Ttl = TimeSpan.FromMinutes(30) });
        _time.Advance(TimeSpan.FromSeconds(60));

        Assert.Equal(2, _store.Current.PerIp);
        Assert.Empty(_store.Confirm(null));
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal((2, 3L), (_store.Current.PerIp, _store.Current.Revision));
    }

    [Fact]
    public void ConfirmWithin_Confirmed_StaysUntilItsTimeIsOver()
    {
        _store.Change(Of(("per-ip", "1")) with { ConfirmWithin = TimeSpan.FromSeconds(60), Ttl = TimeSpan.FromMinutes(30) });
        Assert.Empty(_store.Confirm(7));
        Assert.Equal([2L], _store.Confirm(2));
        _time.Advance(TimeSpan.FromSeconds(60));
        Assert.Equal(1, _store.Current.PerIp);

        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(2, _store.Current.PerIp);
    }

    [Fact]
    public void Rollback_ToAnEarlierRevision_HasItsItems()
    {
        Change(("per-ip", "5"), ("ban/192.0.2.1", "forever"));
        Change(("override/203.0.113.0/24", null), ("shadow/per-ip", "1"));

        Assert.False(_store.Change(Of() with { RollbackTo = 1 }).IsUnknown);

        Assert.Equal(4, _store.Current.Revision);
        Assert.Empty(PolicyItems.Diff(_store.Current.Items, _store.Overview().History[0].Items));
        Assert.True(_store.Change(Of() with { RollbackTo = 99 }).IsUnknown);
    }

    [Fact]
    public void History_ManyChanges_IsBounded()
    {
        for (var i = 1; i <= 150; i++)
        {
            Change(("total", $"{i}"));
        }

        var history = _store.Overview().History;
        Assert.Equal((PolicyHistory.MaxRevisions, 151L), (history.Count, history[^1].Revision));
    }

    [Fact]
    public void Shadow_Set_IsTheLimitsWithItsItemsOverThem()
    {
        Change(("shadow/per-ip", "1"), ("shadow/override/203.0.113.0/24", "deny"));
        var since = _store.Current.ShadowSince;
        Change(("total", "20"));

        var shadow = _store.Current.Shadow!;
        Assert.Equal((20, 1, "deny"), (shadow.Total, shadow.PerIp, shadow.Items["override/203.0.113.0/24"]));
        Assert.Null(shadow.Shadow);
        Assert.Equal((2, since), (_store.Current.PerIp, _store.Current.ShadowSince));
    }

    private PolicyResult Change(params (string Path, string? Text)[] edits) => _store.Change(Of(edits));

    private static PolicyChange Of(params (string Path, string? Text)[] edits) =>
        new(edits.ToDictionary(edit => edit.Path, edit => edit.Text), "test", "why");
}
