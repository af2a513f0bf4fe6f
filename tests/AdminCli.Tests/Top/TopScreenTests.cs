using AdminCli.Tests.Support;
using Relay.AdminCli;
using Relay.AdminCli.Top;
using Spectre.Console;

namespace AdminCli.Tests.Top;

public sealed class TopScreenTests
{
    [Fact]
    public void Lines_80By24_AreTheWholePicture()
    {
        var lines = Paint(TopStates.Live(), 80, 24);
        Assert.Equal("relay ready  up 3d4h5m  0.1.0  unix:/run/relay/admin.sock   2026-05-01T00:00:10Z", lines[0]);
        Assert.Equal("clients     #####################. 9,812 of 10,000 (98%)   +12.0/s   peak 10,000", lines[1]);
        Assert.Equal("memory      ######................ 1.0 GiB of 4.0 GiB (25%)   RSS 212 MiB", lines[3]);
        Assert.StartsWith("refused     120/s   rate 140 +120/s   per_ip_limit 3,400   banned 70", lines[6]);
        Assert.Equal("addresses by connections   11 of 1,204", lines[9]);
        Assert.Equal(" ADDRESS           CONN  LIMIT   REFUSED    REF/S  ADMITTED   PEAK  LAST_SEEN", lines[10]);
        Assert.Equal(">203.0.113.1         50     50     3,410   10.0/s    12,345     50        10s", lines[11]);
        Assert.StartsWith(" 203.0.113.11 ", lines[21]);
        Assert.Equal(("", TopKeys.Foot), (lines[22], lines[23]));
    }

    [Theory]
    [InlineData(80, 24)]
    [InlineData(200, 60)]
    [InlineData(40, 10)]
    [InlineData(20, 4)]
    [InlineData(1, 1)]
    public void Lines_AnySize_FitIt(int columns, int rows)
    {
        foreach (var state in (TopState[])[TopStates.Live(), TopStates.Live(0), new("x", TopStates.View), TopStates.Live() with { Help = true }, TopStates.Live() with { Status = new string('w', 500) }])
        {
            var lines = Paint(state, columns, rows);
            Assert.Equal(rows, lines.Length);
            Assert.All(lines, line => Assert.True(line.GetCellWidth() <= columns, line));
        }
    }

    [Fact]
    public void Lines_OfManyNodes_HaveALineForThoseThatFitAndAreNotWellFirst()
    {
        var stats = Snapshots.OfNodes([.. Enumerable.Range(0, 40).Select(i => $"n{i}")]);
        stats.Cluster.ByNode[39].Stats.State = "draining";
        var lines = Paint(TopStates.Live().With(stats), 80, 24);

        Assert.Contains("nodes       39 of 40 nodes ready", lines);
        Assert.Contains(lines, line => line.StartsWith("n39         draining   clients 9,812 of 10,000 (98%)", StringComparison.Ordinal));
        Assert.Contains(lines, line => line.StartsWith("n0*         ready ", StringComparison.Ordinal));
        Assert.True(lines.Count(line => line.StartsWith(" 203.0.113.", StringComparison.Ordinal) || line.StartsWith(">203.0.113.", StringComparison.Ordinal)) >= 5);
    }

    [Fact]
    public void Lines_MoreRows_ShowMoreAddresses() => Assert.Equal(30, Paint(TopStates.Live(), 200, 60).Count(line => line.Contains("203.0.113.", StringComparison.Ordinal)));

    [Fact]
    public void Lines_40By10_KeepWhatMattersMost()
    {
        var lines = Paint(TopStates.Live(), 40, 10);
        Assert.Equal("clients     #####. 9,812 of 10,000 (98%)", lines[1]);
        Assert.StartsWith("refused ", lines[2]);
        // Whole columns go; no number is cut.
        Assert.Equal(" ADDRESS           CONN  LIMIT   REFUSED", lines[4]);
        Assert.StartsWith("q quit  ? help", lines[9]);
    }

    [Fact]
    public void Lines_OlderRelay_LeaveOutWhatItDoesNotTell()
    {
        var text = string.Join('\n', Paint(new TopState("x", TopStates.View).With(Snapshots.Full()), 80, 24));
        Assert.DoesNotContain("refusing", text);
        Assert.DoesNotContain("handshakes", text);
        Assert.Contains("memory      RSS 212 MiB   heap 80 MiB", text);
    }

    [Fact]
    public void Lines_MarkerBelowTheScreen_ScrollsToIt()
    {
        var lines = Paint(TopStates.Live() with { Marked = "203.0.113.30" }, 80, 24);
        Assert.StartsWith(">203.0.113.30 ", lines[21]);
    }

    [Fact]
    public void Lines_HostileTextFromTheRelay_IsCleaned()
    {
        var stats = Snapshots.Guarded();
        (stats.State, stats.Version, stats.Overload.Level) = ("re\e[2Jady", "\a1", "ca\nlm");
        stats.Refused.ByReason["\e]0;x"] = 9_999;
        var list = TopStates.List(1, 0);
        list.Ips[0].Key = "\e[31mkey";
        var state = new TopState("x", TopStates.View).With(stats).With(TopStates.View, list, TimeSpan.Zero);
        foreach (var shown in (TopState[])[state, TopKeys.Press(state, 'x').State, TopKeys.Press(state, 'b').State])
        {
            Assert.All(Paint(shown, 80, 24), line => Assert.DoesNotContain(line, char.IsControl));
        }
    }

    [Fact]
    public void Lines_Colour_IsOnlyWhereItIsWanted()
    {
        var lines = TopScreen.Lines(TopStates.Live(), 80, 24, ascii: false);
        Assert.Contains("\e[1;31m█████████████████████\e[m", lines[1].Paint(80, colour: true));
        Assert.All(lines, line => Assert.DoesNotContain('\e', line.Paint(80, colour: false)));
    }

    [Fact]
    public void Lines_LongAnswer_TakesLinesFromTheAddresses()
    {
        var lines = Paint(TopStates.Live() with { Status = new("127.0.0.0/8 is protected: " + string.Join(' ', Enumerable.Repeat("word", 20)), Tone.Alarm) }, 80, 24);
        Assert.StartsWith("127.0.0.0/8 is protected:", lines[21]);
        Assert.EndsWith("word", lines[22]);
    }

    private static string[] Paint(TopState state, int columns, int rows) =>
        [.. TopScreen.Lines(state, columns, rows, ascii: true).Select(line => line.Paint(columns, colour: false).TrimEnd())];
}
