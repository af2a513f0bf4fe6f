using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

public sealed class RecentAdmissionsTests
{
    private readonly FakeTimeProvider _time = new();

    [Theory]
    [InlineData(1, 1)]
    [InlineData(64, 64)]
    [InlineData(65, 65)]
    [InlineData(100, 100)]
    [InlineData(101, 100)]
    [InlineData(1_050, 100)]
    public void Replay_SoManyAdded_LooksAtTheLatestThatFit(int added, int expected)
    {
        var recent = new RecentAdmissions(100);
        for (var i = 0; i < added; i++)
        {
            recent.Add(i + 1, Books.Key(i), Books.Key(i), new LiveCounts(i, 0, 0, 0));
        }

        // Refused: those that found as many as the last three did.
        var (admitted, refused, first) = AdmissionReplay.Run(recent.Copy(), Policy(("total", $"{Math.Max(1, added - 3)}")), since: 0, _time);
        Assert.Equal((expected, added < 4 ? 0 : 3, added - expected + 1L), (admitted, refused, first));
    }

    [Fact]
    public void Replay_OlderOnes_AreLeftOut()
    {
        var recent = new RecentAdmissions(10);
        foreach (var time in new[] { 5L, 6, 7 })
        {
            recent.Add(time, Books.Key(1), Books.Key(1), new LiveCounts(0, (int)time, 0, 0));
        }

        Assert.Equal((2, 1, 6L), AdmissionReplay.Run(recent.Copy(), Policy(("per-ip", "7")), since: 6, _time));
        Assert.Equal((0, 0, long.MaxValue), AdmissionReplay.Run(recent.Copy(), Policy(), since: 8, _time));
    }

    [Fact]
    public void Replay_Rules_GoByTheWholeAddress()
    {
        var recent = new RecentAdmissions(10);
        recent.Add(1, Books.Key(1), Books.Key(1), new LiveCounts(9, 9, 50, 0));
        recent.Add(1, Books.Key(2), Books.Key(2), new LiveCounts(0, 0, 0, 0));

        Assert.Equal((2, 1, 1L), AdmissionReplay.Run(recent.Copy(), Policy(("override/0.0.0.1", "unlimited"), ("override/0.0.0.2", "deny")), since: 0, _time));
        Assert.Equal((2, 1, 1L), AdmissionReplay.Run(recent.Copy(), Policy(("per-24", "50")), since: 0, _time));
    }

    [Fact]
    public void Replay_RatePerIp_RefusesWhatCameTooFast()
    {
        var recent = new RecentAdmissions(64);
        var second = _time.TimestampFrequency;
        foreach (var time in new[] { 0, 0, 0, 1, 1, 10 })
        {
            recent.Add((time + 1) * second, Books.Key(1), Books.Key(1), default);
        }

        recent.Add(11 * second, Books.Key(2), Books.Key(2), default);

        // Two at once and one a second: the third of the first second and the second of the next one were too many.
        Assert.Equal((7, 2, second), AdmissionReplay.Run(recent.Copy(), Policy(("rate-per-ip", "1/s burst 2")), since: 0, _time));
        Assert.Equal((7, 4, second), AdmissionReplay.Run(recent.Copy(), Policy(("rate-per-ip", "off"), ("rate-total", "1/s burst 1")), since: 0, _time));
    }

    /// <summary>What a dry run of a rate says is what a ledger under that rate would have done with the same arrivals.</summary>
    [Fact]
    public void Replay_AnyRatesAndArrivals_RefusesWhatALedgerWouldHave() =>
        Gen.Select(Gen.Select(Gen.Int[0, 3], Gen.Int[0, 1500]).Array[0, 60], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 6]).Sample((arrivals, perSecond, burst, totalBurst) =>
        {
            var (before, after) = (new Books(total: 100, perIp: 50), new Books(total: 100, perIp: 50));
            after.Change(("rate-per-ip", $"{perSecond}/s burst {burst}"), ("rate-total", $"3/s burst {totalBurst}"));
            var refused = 0;
            foreach (var (key, pause) in arrivals)
            {
                before.Time.Advance(TimeSpan.FromMilliseconds(pause));
                after.Time.Advance(TimeSpan.FromMilliseconds(pause));
                before.Take(key).Dispose();
                refused += after.Ledger.TryAcquire(Books.Key(key), after.Time.GetTimestamp(), out var lease).Refusal == Refusal.None ? 0 : 1;
                lease.Dispose();
            }

            var effect = PolicyEffect.Of(before.Ledger, after.Policies.Current, before.Time);
            Assert.Equal((arrivals.Length, refused), (effect.Admitted, effect.Refused));
        }, iter: 300);

    private static LimitPolicy Policy(params (string Path, string? Text)[] edits)
    {
        var items = PolicyItems.FromOptions(new AdmissionOptions(), out _)
            .With(edits.Select(edit => KeyValuePair.Create(edit.Path, edit.Text)), 64, out var errors);
        Assert.Empty(errors);
        return new LimitPolicy(items, 64, 1);
    }
}
