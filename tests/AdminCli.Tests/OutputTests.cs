using System.Globalization;
using Relay.AdminApi;
using Relay.AdminCli;
using Relay.AdminCli.Commands;

namespace AdminCli.Tests;

public sealed class OutputTests
{
    private static readonly Column[] Columns = [new("NAME"), new("COUNT", ToTheRight: true)];

    [Fact]
    public void Table_IntoAPipe_IsAlignedWithoutBordersColourOrTrailingBlanks()
    {
        var text = Table(Terminal.None, OutputFormat.Table, output => output.Table(Columns, [["a", "1"], ["a much longer name", "1,234"]]));
        Assert.Equal(
            """
            NAME                 COUNT
            a                        1
            a much longer name   1,234

            """, text);
    }

    [Fact]
    public void Table_WideRowsIntoAPipe_AreNotCutTo80Columns()
    {
        var text = Table(Terminal.None, OutputFormat.Table, output => output.Table(Columns, [[new string('x', 500), "1"]]));
        Assert.Contains(new string('x', 500), text);
        Assert.Equal(2, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Table_WideRowsOnANarrowTerminal_AreFoldedInTheirColumn()
    {
        var text = Table(new Terminal(true, false, () => (40, 24)), OutputFormat.Table, output => output.Table(Columns, [[new string('x', 60), "1"]]));
        Assert.All(text.Split('\n'), line => Assert.True(line.Length <= 40));
        Assert.Equal(60, text.Count('x'));
    }

    [Fact]
    public void Table_ManyThousandRows_AreAllThereUnderOneHeader()
    {
        string[][] rows = [.. Enumerable.Range(0, 2_500).Select(i => (string[])[$"n{i}", i.ToString(CultureInfo.InvariantCulture)])];
        var lines = Table(Terminal.None, OutputFormat.Table, output => output.Table(Columns, rows)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(2_501, lines.Length);
        Assert.Equal("n0          0", lines[1]);
        Assert.Equal("n2499    2499", lines[^1]);
        Assert.Single(lines, line => line.StartsWith("NAME", StringComparison.Ordinal));
    }

    [Fact]
    public void Rows_Colour_OnlyWhereTheTerminalHasIt()
    {
        StatsRow[] rows = [new("audit", new StatsRow.Part("DRIFT 3", Tone.Alarm))];
        Assert.Contains("\e[", Table(new Terminal(true, true, () => (80, 24)), OutputFormat.Table, output => output.Rows(rows)));
        Assert.Equal("audit   DRIFT 3\n", Table(new Terminal(true, false, () => (80, 24)), OutputFormat.Table, output => output.Rows(rows)));
        Assert.Equal("audit   DRIFT 3\n", Table(Terminal.None, OutputFormat.Table, output => output.Rows(rows)));
    }

    [Fact]
    public void Peers_HostileNames_AreShownHarmless()
    {
        var response = new ListPeersResponse
        {
            Peers = { new Peer { ServerId = "ed25519:AbC", Endpoint = "[red]ws://x[/]\e[2J", Region = "eu\u202e\nfake row", Address = "203.0.113.7", FramesReceived = 12 } },
        };
        var text = Table(new Terminal(true, true, () => (200, 24)), OutputFormat.Table, output => PeersCommand.Show(output, response, DateTimeOffset.UnixEpoch));
        Assert.Contains("[red]ws://x[/][2J", text);
        Assert.Contains("eufake_row", text);
        Assert.DoesNotContain("\e[2J", text);
        Assert.Equal(2, text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length);
    }

    [Fact]
    public void Peers_HostileNamesAsJson_AreEscaped()
    {
        var response = new ListPeersResponse { Peers = { new Peer { Endpoint = "\e[2J\u009b2J\n" } } };
        var text = Table(Terminal.None, OutputFormat.Json, output => PeersCommand.Show(output, response, DateTimeOffset.UnixEpoch));
        Assert.DoesNotContain(text, c => char.IsControl(c) && c != '\n');
        Assert.Contains("""\u001B[2J\u009B2J\n""", text);
    }

    [Fact]
    public void Channels_HostileIds_AreShownHarmless()
    {
        var row = ChannelsCommand.Row(new ListedChannel { ChannelId = "[red]\e[2J\u202ex\r\nfake row", Owned = true, FramesSent = 1_234 }, DateTimeOffset.UnixEpoch);
        Assert.Equal(["[red][2Jxfake_row", "yes", "-", "0", "0", "1234", "0", "never", "-"], row);
        Assert.Equal("-", ChannelsCommand.Row(new ListedChannel { ChannelId = "\u200b\e" }, DateTimeOffset.UnixEpoch)[0]);
    }

    [Fact]
    public void Relays_HostileIds_AreShownHarmless()
    {
        var relay = new ListedRelay { PeerId = "a\e[31mb", Key = "2001:db8::/64", Connected = 2.5, Capacity = 20, Offered = true };
        Assert.Equal(["a[31mb", "2001:db8::/64", "2.5", "20", "12%", "offered", "never", "never", "-"], RelaysCommand.Row(relay, DateTimeOffset.UnixEpoch));
    }

    [Fact]
    public void Peers_None_IsASentenceInATableAndAnEmptyListInJson()
    {
        Assert.Equal("No peer servers connected.\n", Table(Terminal.None, OutputFormat.Table, output => PeersCommand.Show(output, new ListPeersResponse(), DateTimeOffset.UnixEpoch)));
        Assert.Equal("""{"peers":[],"unlinked":[]}""", string.Concat(Table(Terminal.None, OutputFormat.Json, output => PeersCommand.Show(output, new ListPeersResponse(), DateTimeOffset.UnixEpoch)).Where(c => !char.IsWhiteSpace(c))));
    }

    [Fact]
    public void Verify_UnlimitedNetworks_AreSaidBesideTheSockets()
    {
        var response = new VerifyResponse { Ok = true, LedgerConnections = 14, LiveConnections = 14, Uncounted = 12 };
        var text = Table(Terminal.None, OutputFormat.Table, output => VerifyCommand.Show(output, TextWriter.Null, response));
        Assert.Contains("open       14 sockets   12 of them not counted (unlimited networks)\n", text);
    }

    [Fact]
    public void Verify_Drift_IsShoutedAndRefused()
    {
        var error = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        var response = new VerifyResponse { LedgerConnections = 12, LiveConnections = 10, Drift = 2, Addresses = { new IpDrift { Key = "203.0.113.7", LedgerConnections = 3, LiveConnections = 1 } } };
        var exitCode = -1;
        var text = Table(Terminal.None, OutputFormat.Table, output => exitCode = VerifyCommand.Show(output, error, response));
        Assert.Equal(ExitCodes.Rejected, exitCode);
        Assert.Equal(
            """
            ledger     12 slots
            open       10 sockets
            mismatch   2
            ADDRESS       LEDGER   OPEN   DRIFT
            203.0.113.7        3      1       2

            """, text);
        Assert.StartsWith("MISMATCH: the ledger does not match the open sockets.", error.ToString());
    }

    [Theory]
    [InlineData(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Serving, "serving", ExitCodes.Ok)]
    [InlineData(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.NotServing, "not serving", ExitCodes.Rejected)]
    [InlineData(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.ServiceUnknown, "service unknown", ExitCodes.Rejected)]
    [InlineData(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus.Unknown, "unknown", ExitCodes.Rejected)]
    public void Health_EachState_IsPrintedAndOnlyServingIsOk(Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus status, string expected, int expectedCode)
    {
        var exitCode = -1;
        var text = Table(Terminal.None, OutputFormat.Table, output => exitCode = HealthCommand.Show(output, new Grpc.Health.V1.HealthCheckResponse { Status = status }));
        Assert.Equal($"{expected}\n", text);
        Assert.Equal(expectedCode, exitCode);
    }

    internal static string Table(Terminal terminal, OutputFormat format, Action<Output> print)
    {
        var writer = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        print(new Output(writer, terminal, format));
        return writer.ToString();
    }
}
