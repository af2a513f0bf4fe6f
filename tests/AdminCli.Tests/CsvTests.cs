using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests;

/// <summary>What -o jsonl and -o csv make of answers.</summary>
public sealed class CsvTests
{
    [Fact]
    public void List_AsJsonLines_IsARowALine()
    {
        var text = Show(OutputFormat.JsonLines, new ListChannelsResponse { Channels = { new ListedChannel { ChannelId = "a\n" }, new ListedChannel { ChannelId = "b" } }, TotalSize = 7 });
        var lines = text.Split('\n');
        Assert.Equal(3, lines.Length);
        Assert.StartsWith("""{"channelId":"a\n",""", lines[0]);
        Assert.DoesNotContain("totalSize", text);
    }

    [Fact]
    public void List_WithoutRowsAsCsv_HasItsHeader()
    {
        Assert.Equal("channelId,owned,live,subscribers,waiting,framesSent,framesDropped,createdAt\r\n", Show(OutputFormat.Csv, new ListChannelsResponse()));
        Assert.Empty(Show(OutputFormat.JsonLines, new ListChannelsResponse()));
    }

    /// <summary>RFC 4180: quotes around what has commas or quotes, and quotes doubled. What a spreadsheet would take for a formula is data like all else.</summary>
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a,b", "\"a,b\"")]
    [InlineData("say \"hi\"", "\"say \"\"hi\"\"\"")]
    [InlineData(" blanks ", " blanks ")]
    [InlineData("=1+1", "=1+1")]
    [InlineData("\u001b[2J\r\nfake,row", "\"[2Jfake,row\"")]
    public void List_EachValueAsCsv_IsQuotedWhereItMustBe(string id, string expected)
    {
        var lines = Show(OutputFormat.Csv, new ListChannelsResponse { Channels = { new ListedChannel { ChannelId = id, Live = true, FramesSent = 12 } } }).Split("\r\n");
        Assert.Equal($"{expected},false,true,0,0,12,0,", lines[1]);
        Assert.Equal(3, lines.Length);
    }

    /// <summary>Columns are those of the message, whatever is set in the one at hand.</summary>
    [Fact]
    public void Answer_NestedFieldsAsCsv_AreColumnsWithDots()
    {
        var text = OutputTests.Table(Terminal.None, OutputFormat.Csv, output => output.Answer(new Stats { Connections = new Connections { Current = 3 } }, () => { }));
        var (header, row) = (text.Split("\r\n")[0].Split(','), text.Split("\r\n")[1].Split(','));
        Assert.Equal("3", row[Array.IndexOf(header, "connections.current")]);
        Assert.Equal("", row[Array.IndexOf(header, "ledger.drift")]);
        Assert.Equal("[]", row[Array.IndexOf(header, "certificates")]);
        Assert.Equal(header.Length, header.Distinct().Count());
        Assert.Equal(header.Length, row.Length);
    }

    [Fact]
    public void List_OfTwoKindsAsCsv_HasTheColumnsOfBoth()
    {
        var response = new ListPeersResponse { Peers = { new Peer { ServerId = "ed25519:A", Region = "eu" } }, Unlinked = { new UnlinkedPeer { ServerId = "ed25519:B", LastWords = "refused" } } };
        var lines = OutputTests.Table(Terminal.None, OutputFormat.Csv, output => PeersCommand.Show(output, response, DateTimeOffset.UnixEpoch)).Split("\r\n");
        var header = lines[0].Split(',');
        Assert.Equal("eu", lines[1].Split(',')[Array.IndexOf(header, "region")]);
        Assert.Equal("refused", lines[2].Split(',')[Array.IndexOf(header, "lastWords")]);
        Assert.Equal(header.Length, header.Distinct().Count());
    }

    [Fact]
    public void List_Wide_HasColumnsThatTheTableLeavesOut()
    {
        var response = new ListPeersResponse { Peers = { new Peer { ServerId = "ed25519:A", FramesReceived = 12 } } };
        Assert.DoesNotContain("FRAMES", OutputTests.Table(Terminal.None, OutputFormat.Table, output => PeersCommand.Show(output, response, DateTimeOffset.UnixEpoch)));
        Assert.Contains("FRAMES", OutputTests.Table(Terminal.None, OutputFormat.Wide, output => PeersCommand.Show(output, response, DateTimeOffset.UnixEpoch)));
    }

    private static string Show(OutputFormat format, ListChannelsResponse response) =>
        OutputTests.Table(Terminal.None, format, output => output.List(response, [ListChannelsResponse.ChannelsFieldNumber], () => { }));
}
