using AdminCli.Tests.Support;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class GuardRowsTests
{
    [Fact]
    public void Rows_RelayThatGuardsItself_SayHow()
    {
        var stats = Snapshots.Guarded();
        var lines = StatsViewTests.Render(stats, StatsRates.Unknown).Split('\n');
        Assert.EndsWith("revision 4   effective 9,200 (memory)", lines[0]);
        Assert.Equal("refused      total limit 12   per address 3,400   banned 70   rate 20", lines[1]);
        Assert.Equal("overload     elevated (pinned)   1,234/s   CPU 34%   close_frame 500   http_status 40", lines[2]);
        Assert.Equal("handshakes   pending 12 of 4,096   rejected 3,400   timeout 3,000   per_ip 400", lines[3]);
    }

    [Theory]
    [InlineData(0, 0, 0, "buffers 0 B of 48 MiB (0%)   waiting 0   closed 0", Tone.Plain)]
    [InlineData(47 << 20, 12, 3, "buffers 47 MiB of 48 MiB (97%)   waiting 12   closed 3", Tone.Alarm)]
    public void Rows_MemoryBudget_SayHowFullItIs(long used, long waiting, long closed, string expected, object tone)
    {
        var stats = new Stats { Memory = new MemoryStats { BudgetBytes = 48 << 20, UsedBytes = used, Waiting = waiting, ClosedTotal = closed } };
        var row = Assert.Single(GuardRows.Of(stats));
        Assert.Equal((expected, (Tone)tone), ($"{row.Label} {string.Join("   ", row.Parts.Select(part => part.Text))}", row.Parts[0].Tone));
    }

    [Theory]
    [InlineData("normal", Tone.Good)]
    [InlineData("elevated", Tone.Warning)]
    [InlineData("critical", Tone.Warning)]
    public void Rows_OverloadLevel_CallsForAttentionUnlessNormal(string level, object expected)
    {
        var stats = Snapshots.Guarded();
        stats.Overload.Level = level;
        Assert.Equal((Tone)expected, StatsView.Rows(stats, StatsRates.Unknown).Single(row => row.Label == "overload").Parts[0].Tone);
    }

    [Fact]
    public void Rows_TotalLimitHolds_SayNothingOfWhatIsEffective()
    {
        var stats = Snapshots.Full();
        stats.Capacity = new Capacity { EffectiveTotal = 10_000, Cause = "limit" };
        Assert.Equal(StatsViewTests.Render(Snapshots.Full(), StatsRates.Unknown), StatsViewTests.Render(stats, StatsRates.Unknown));
    }

    [Fact]
    public void RatesBetween_RefusalsOfEveryReason_Count()
    {
        var (before, now) = (Snapshots.Guarded(), Snapshots.Guarded());
        now.Uptime.Seconds += 2;
        now.Refused.ByReason["banned"] += 30;
        Assert.Equal(15, StatsRates.Between(before, now).Refused);
    }
}
