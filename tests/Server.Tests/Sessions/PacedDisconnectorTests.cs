using Relay.Protocol;
using Relay.Sessions;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

public sealed class PacedDisconnectorTests : IDisposable
{
    private readonly QuietSessions _sessions = new();

    public void Dispose() => _sessions.Dispose();

    [Theory]
    [InlineData(20, 1, 20)]
    [InlineData(100, 1, 100)]
    [InlineData(1, 10, 10)]
    [InlineData(7, 10, 70)]
    [InlineData(10_000, 1, 300)]
    public void Add_Many_ClosesAsManyASecondAsItMay(int perSecond, int seconds, int expected)
    {
        _sessions.Options.EvictionsPerSecond = perSecond;
        var closer = new PacedDisconnector(_sessions.Options);
        using var ticking = Ticking.Start(_sessions.Time, PacedDisconnector.Interval, closer.CloseDue);
        var sessions = Open(300);
        closer.Add(sessions, CloseReason.Evicted);
        Assert.Equal(0, Closed(sessions));
        for (var i = 0; i < seconds * 20; i++)
        {
            _sessions.Time.Advance(TimeSpan.FromMilliseconds(50));
        }

        // In the order in which they were given. The last part of a place may be lost to rounding.
        Assert.InRange(Closed(sessions), expected - 1, expected);
        Assert.All(sessions.Take(Closed(sessions)), session => Assert.Equal(CloseReason.Evicted, session.CloseReason));
    }

    [Fact]
    public void Add_AfterALongRest_DoesNotCloseAllThatRestSavedUp()
    {
        _sessions.Options.EvictionsPerSecond = 20;
        var closer = new PacedDisconnector(_sessions.Options);
        using var ticking = Ticking.Start(_sessions.Time, PacedDisconnector.Interval, closer.CloseDue);
        _sessions.Time.Advance(TimeSpan.FromMinutes(10));
        var sessions = Open(300);
        closer.Add(sessions, CloseReason.Evicted);
        _sessions.Time.Advance(TimeSpan.FromMilliseconds(50));

        Assert.Equal(1, Closed(sessions));
    }

    [Fact]
    public void Add_TwoLots_ShareThePaceAndKeepTheirReasons()
    {
        _sessions.Options.EvictionsPerSecond = 40;
        var closer = new PacedDisconnector(_sessions.Options);
        using var ticking = Ticking.Start(_sessions.Time, PacedDisconnector.Interval, closer.CloseDue);
        var (first, second) = (Open(3), Open(3));
        closer.Add(first, CloseReason.Banned);
        closer.Disconnect(second, 4000, "moved");
        _sessions.Time.Advance(TimeSpan.FromMilliseconds(50));
        _sessions.Time.Advance(TimeSpan.FromMilliseconds(50));
        Assert.Equal((3, 1), (Closed(first), Closed(second)));
        _sessions.Time.Advance(TimeSpan.FromMilliseconds(50));

        Assert.Equal((CloseReason.Banned, CloseReason.Disconnected), (first[0].CloseReason, second[2].CloseReason));
        Assert.True(second[0].Ending!.Frame.Span.EndsWith("moved"u8));
    }

    [Fact]
    public void Add_SessionThatHasClosedMeanwhile_KeepsItsOwnReason()
    {
        var closer = new PacedDisconnector(_sessions.Options);
        using var ticking = Ticking.Start(_sessions.Time, PacedDisconnector.Interval, closer.CloseDue);
        var sessions = Open(1);
        closer.Add(sessions, CloseReason.Evicted);
        sessions[0].Close(CloseReason.PeerClosed);
        _sessions.Time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal(CloseReason.PeerClosed, sessions[0].CloseReason);
    }

    private List<Session> Open(int count) => [.. Enumerable.Range(0, count).Select(_ => _sessions.Open(default))];

    private static int Closed(List<Session> sessions) => sessions.Count(session => session.IsClosing);
}
