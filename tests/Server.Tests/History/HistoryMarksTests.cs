using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.History;
using Relay.Policy;

namespace Server.Tests.History;

/// <summary>What happened: bounded, and so that what clients cause hides nothing that operators did.</summary>
public sealed class HistoryMarksTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2030, 1, 1, 0, 0, 0, TimeSpan.Zero));
    private readonly HistoryMarks _marks = new();
    private long _sequence;

    [Fact]
    public void Mark_OfAnOperator_SaysWhoAndWhy()
    {
        Publish(new AutoBansLifted(Network(1), 1) { Who = "uid=1000(kay)", Reason = "a mistake" });

        var mark = Assert.Single(All());
        Assert.Equal(("bans_lifted", "uid=1000(kay)", "a mistake"), (mark.Kind, mark.By, mark.Reason));
        Assert.Equal(_time.GetUtcNow(), mark.At.ToDateTimeOffset());
        Assert.Contains("was lifted", mark.Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Bans_OfOneMinute_AreOneMarkWithTheirNumber()
    {
        Publish(Ban(1));
        Assert.Contains("Banned 203.0.113.1 until", Assert.Single(All()).Text, StringComparison.Ordinal);
        Publish(Ban(2));
        Publish(new MoreAddressesBanned(900));
        Publish(new AutoBanExpired(Network(1)));
        Publish(new MoreAutoBansExpired(3));

        Assert.Equal(
            ["902 addresses were banned automatically; `relayctl bans` lists them", "4 automatic bans expired"],
            All().Select(mark => mark.Text));
        _time.Advance(TimeSpan.FromMinutes(1));
        Publish(Ban(3));
        Assert.Equal(3, All().Count);
    }

    [Fact]
    public void Marks_MoreThanAreKept_LoseTheOldestOfTheirOwnHalf()
    {
        Publish(new AutoBansLifted(Network(1), 1) { Who = "kay" });
        for (var i = 0; i < 2 * HistoryMarks.Capacity; i++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            Publish(Ban(1));
            Publish(new OverloadLevelChanged(OverloadLevel.Normal, OverloadLevel.Elevated, 300, 50));
        }

        Assert.Equal((HistoryMarks.Capacity / 2) + 1, All().Count);
        Assert.Equal("kay", All()[0].By);
        for (var i = 0; i < 2 * HistoryMarks.Capacity; i++)
        {
            Publish(new AutoBansLifted(Network(1), 1) { Who = $"{i}" });
        }

        Assert.Equal(HistoryMarks.Capacity, All().Count);
        Assert.Equal($"{(2 * HistoryMarks.Capacity) - 1}", All()[^1].By);
    }

    [Fact]
    public void Between_OneMomentAndAnother_IsInTheOrderOfTime()
    {
        var start = _time.GetUtcNow();
        Publish(new AutoBansLifted(Network(1), 1) { Who = "early" });
        _time.Advance(TimeSpan.FromMinutes(5));
        Publish(Ban(1));
        _time.Advance(TimeSpan.FromMinutes(5));
        Publish(new AutoBansLifted(Network(1), 1) { Who = "late" });

        Assert.Equal(["relayd", "late"], _marks.Between(start, _time.GetUtcNow()).Select(mark => mark.By));
        Assert.Equal(["relayd"], _marks.Between(start, _time.GetUtcNow() - TimeSpan.FromSeconds(1)).Select(mark => mark.By));
    }

    // What begins and ends a drain is an event of its own.
    [Fact]
    public void Mark_OfWhatAnotherEventSays_IsNone()
    {
        Publish(new StateChanged(RelayPhase.Serving, RelayPhase.Draining, null));
        Publish(new StateChanged(RelayPhase.Starting, RelayPhase.Serving, null));

        Assert.Equal("Serving: new connections are accepted", Assert.Single(All()).Text);
    }

    [Fact]
    public void Text_OfAnyLength_IsCutBetweenCharacters()
    {
        Publish(new AutoBansLifted(Network(1), 1) { Reason = new string('a', HistoryMarks.MaxText - 2) + "\U0001F600 and more" });

        Assert.Equal(new string('a', HistoryMarks.MaxText - 2) + "…", Assert.Single(All()).Reason);
    }

    private static AddressBanned Ban(int number) => new(new AutoBan(Network(number), new DateTimeOffset(2030, 1, 2, 0, 0, 0, TimeSpan.Zero), 1));

    private static IpPrefix Network(int number) => IpPrefix.TryParse($"203.0.113.{number}", out var network, out _) ? network : default;

    private void Publish(RelayEvent happened) => _marks.Add(new PublishedEvent(++_sequence, _time.GetUtcNow(), happened));

    private List<Relay.AdminApi.HistoryMark> All() => [.. _marks.Between(DateTimeOffset.MinValue, _time.GetUtcNow())];
}
