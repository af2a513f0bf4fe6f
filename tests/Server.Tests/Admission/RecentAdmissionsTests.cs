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

    private static LimitPolicy Policy(params (string Path, string? Text)[] edits)
    {
        var items = PolicyItems.FromOptions(new AdmissionOptions(), out _)
            .With(edits.Select(edit => KeyValuePair.Create(edit.Path, edit.Text)), 64, out var errors);
        Assert.Empty(errors);
        return new LimitPolicy(items, 64, 1);
    }
}
