using System.Text;
using System.Text.RegularExpressions;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed partial class CloseReasonTests
{
    [Fact]
    public void Table_EachReason_HasOneRowWithALabelOfItsOwn()
    {
        Assert.Equal(Enum.GetValues<CloseReason>(), CloseReasons.All.Select(row => row.Reason));
        Assert.Equal(CloseReasons.All.Count, CloseReasons.All.Select(row => row.Label).Distinct().Count());
        foreach (var row in CloseReasons.All)
        {
            Assert.Equal(row, CloseReasons.Of(row.Reason));
            Assert.Equal(row.Reason.ToString(), row.Label.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
        }
    }

    // A close frame has room for 123 bytes of text.
    [Fact]
    public void Table_EachFrame_FitsAndHasACodeIfItHasText()
    {
        Assert.All(CloseReasons.All, row => Assert.InRange(Encoding.UTF8.GetByteCount(row.Text), 0, 123));
        Assert.All(CloseReasons.All, row => Assert.True(row.Code is 0 ? row.Text.Length == 0 : row.Code is >= 1000 and < 5000));
    }

    [Fact]
    public void Document_ClientReasons_HasTheTable()
    {
        var rows = Documented(5);

        Assert.Equal(CloseReasons.OfClients.Select(row => row.Label), rows.Select(row => row[0]));
        foreach (var (row, reason) in rows.Zip(CloseReasons.OfClients))
        {
            Assert.Equal(Frame(reason), row[1]);
            Assert.Equal(reason.DropsQueue ? "dropped" : "sent", row[2]);
            Assert.Equal(reason.IsProtocolViolation ? "yes" : "", row[3]);
        }
    }

    [Fact]
    public void Document_PeerReasons_HasTheTable() => Assert.Equal(
        CloseReasons.OfPeers.Select(reason => (reason.Label, Frame(reason))),
        Documented(3).Select(row => (row[0], row[1])));

    private static string Frame(CloseReasonDefinition reason) => reason switch
    {
        { Code: > 0, Text.Length: > 0 } => $"{reason.Code} `{reason.Text}`",
        { Code: > 0 } => $"{reason.Code}",
        { Reason: CloseReason.PeerClosed } => "the peer's own code",
        { Reason: CloseReason.ProtocolError } => "1002 or 1007",
        { Reason: CloseReason.Disconnected } => "the operator's own, 1008 `Disconnected by the operator` otherwise",
        _ => "none",
    };

    // The rows of the table that has so many columns.
    private static List<string[]> Documented(int columns)
    {
        var text = File.ReadAllText(Path.Combine(ArchitectureTests.FindRoot(), "docs/metrics.md"));
        var section = text[text.IndexOf("## Close reasons", StringComparison.Ordinal)..].Split("\n## ")[0];
        return [.. section.Split('\n')
            .Select(line => Row().Match(line))
            .Where(row => row.Success)
            .Select(row => (string[])[row.Groups[1].Value, .. row.Groups[2].Value.Split('|').Select(cell => cell.Trim())])
            .Where(cells => cells.Length == columns)];
    }

    [GeneratedRegex(@"^\| `(\w+)` \|(.*)\|$")]
    private static partial Regex Row();
}
