using System.Globalization;
using AdminCli.Tests.Support;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

public sealed class StatsViewTests
{
    [Fact]
    public void Rows_FullSnapshot_ReadAsAnOperatorReadsThem()
    {
        Assert.Equal(
            """
            clients   9,812 of 10,000 (98%)   peak 10,000   from 1,204 addresses   50 per address (IPv6 /64)   revision 4
            refused   total limit 12   per address 3,400
            sockets   signaling 9,700   relay 100   admitted 123,456
            closed    client 120   idle 33
            pairing   codes 1,200   peak 1,300   pending 4 pairs, 2 links   registrations 12,000   collisions 2   risk low
            traffic   in 1,234,567 messages, 1.2 GiB   out 1,234,000 messages, 1.1 GiB   queued 7   rate-limited 9   dropped 4
            peers     authenticated 3   pending 1   gossip ignored 5   refused bad_signature 2
            process   RSS 212 MiB   heap 80 MiB   open files 412 of 65,536   CPU 1m3s   threads 31   gen2 12
            ledger    mismatch 0   12 checks, 0 mismatches   last 4s ago
            relay     ready   up 3d4h5m   version 0.1.0   ed25519:AbC

            """, Render(Snapshots.Full(), StatsRates.Unknown));
    }

    [Fact]
    public void Rows_UnlimitedNetworks_AreSaidBesideTheClients()
    {
        var stats = Snapshots.Full();
        stats.Connections.Uncounted = 12;
        Assert.StartsWith("clients   9,812 of 10,000 (98%)   +12 not counted (unlimited networks)   peak 10,000", Render(stats, StatsRates.Unknown));
    }

    [Fact]
    public void Rows_FeaturesInUse_HaveARowEach()
    {
        var lines = Render(Snapshots.InUse(), StatsRates.Unknown).Split('\n');
        var features = lines.SkipWhile(line => !line.StartsWith("pairing", StringComparison.Ordinal)).Skip(1).TakeWhile(line => !line.StartsWith("traffic", StringComparison.Ordinal));
        Assert.Equal(
            """
            relays        offered 80 of 100
            rendezvous    daily points 1,200   hourly tokens 34   matches 5   drops delivered 6
            channels      12   owned 9   live 2   subscriptions 345   frames 6,789   dropped 0
            chunks        cached 10, 1.5 MiB   known 20   sources 30   pulls 1   served 400 from cache, 50 by sources
            database      queue 3   operations 5,000 in 600 commits   failed 0   file 7.0 MiB
            attestation   open 1   answered 90   timed_out 2
            """, string.Join('\n', features));
    }

    [Fact]
    public void Rows_FeaturesNotInUse_HaveNone()
    {
        var stats = Snapshots.Full();
        (stats.Relays, stats.Rendezvous, stats.Channels, stats.Chunks, stats.Storage, stats.Attestation) =
            (new(), new(), new(), new(), new StorageStats { FileBytes = 4096 }, new());
        Assert.Equal(Render(Snapshots.Full(), StatsRates.Unknown), Render(stats, StatsRates.Unknown));
    }

    [Fact]
    public void Rows_FeaturesInTrouble_CallForAttention()
    {
        var stats = Snapshots.InUse();
        stats.Relays.Offered = 0;
        (stats.Channels.FramesDroppedTotal, stats.Channels.Waiting, stats.Channels.WaitingBytes, stats.Channels.UpstreamDroppedTotal) = (7, 8, 2048, 9);
        (stats.Storage.Waiting, stats.Storage.FailuresTotal) = (1000, 3);
        var parts = StatsView.Rows(stats, StatsRates.Unknown).SelectMany(row => row.Parts.Select(part => (row.Label, part.Text, part.Tone))).Where(part => part.Tone is Tone.Warning or Tone.Alarm);
        Assert.Equal(
            [("relays", "offered 0 of 100"), ("channels", "dropped 7"), ("upstream", "dropped 9"), ("database", "queue 1,000"), ("database", "failed 3"), ("attestation", "timed_out 2")],
            parts.Where(part => part.Label is not ("clients" or "refused")).Select(part => (part.Label, part.Text)));
        Assert.Contains("upstream      waiting 8, 2.0 KiB   dropped 9\n", Render(stats, StatsRates.Unknown));
    }

    [Fact]
    public void Rows_WithRates_ShowThemBesideTheirCounters()
    {
        var text = Render(Snapshots.Full(), new StatsRates(12.5, 3, 100, 90, 2048, 1024));
        Assert.Contains("admitted 123,456   12.5/s\n", text);
        Assert.Contains("per address 3,400   3.0/s\n", text);
        Assert.Contains("in 1,234,567 messages, 1.2 GiB (100/s, 2.0 KiB/s)   out 1,234,000 messages, 1.1 GiB (90.0/s, 1.0 KiB/s)", text);
    }

    [Theory]
    [InlineData(3, "+3")]
    [InlineData(-2, "-2")]
    public void Rows_Drift_IsShoutedFirst(long drift, string shown)
    {
        var stats = Snapshots.Full();
        stats.Ledger.Drift = drift;
        var lines = Render(stats, StatsRates.Unknown).Split('\n');
        Assert.Equal($"ALARM     LEDGER MISMATCH {shown}: the ledger does not match the open sockets. Run `relayctl verify`.", lines[0]);
        Assert.Contains(lines, line => line.StartsWith($"ledger    MISMATCH {shown}   ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("one_address", "WARNING   one address has most of the connections and reaches its limit; it may be a proxy missing from Admission:TrustedProxies.")]
    [InlineData("unlisted_proxy", "WARNING   new connections carry proxy headers but come from addresses missing from Admission:TrustedProxies")]
    [InlineData("silent_proxy", "WARNING   a trusted proxy does not send client addresses")]
    [InlineData("\e[2Jnew", "WARNING   [2Jnew")]
    public void Rows_ProxyWarning_IsAWarningBeforeTheFigures(string warning, string expected)
    {
        var stats = Snapshots.Full();
        stats.ClientAddress = new ClientAddressStats { Warnings = { warning } };
        Assert.StartsWith(expected, Render(stats, StatsRates.Unknown).Split('\n')[0], StringComparison.Ordinal);
        Assert.DoesNotContain("WARNING", Render(Snapshots.Full(), StatsRates.Unknown), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_AuditFileFails_IsAWarningWhileItDoes()
    {
        var stats = Snapshots.Full();
        stats.AuditFile = new AuditFile { Failing = true, FailedTotal = 1234 };
        Assert.StartsWith("WARNING   the audit file cannot be written (1,234 entries are only in relayd's log)", Render(stats, StatsRates.Unknown).Split('\n')[0], StringComparison.Ordinal);
        Assert.EndsWith(" mismatch=0 AUDIT-FILE=failing", StatsLine.Format(stats, StatsRates.Unknown), StringComparison.Ordinal);

        stats.AuditFile.Failing = false;
        Assert.DoesNotContain("WARNING", Render(stats, StatsRates.Unknown), StringComparison.Ordinal);
        Assert.EndsWith(" mismatch=0", StatsLine.Format(stats, StatsRates.Unknown), StringComparison.Ordinal);
    }

    [Fact]
    public void Line_ProxyWarning_IsItsLastField()
    {
        var stats = Snapshots.Full();
        stats.ClientAddress = new ClientAddressStats { Warnings = { "one_address" } };
        Assert.EndsWith(" mismatch=0 WARNING=one_address", StatsLine.Format(stats, StatsRates.Unknown), StringComparison.Ordinal);
    }

    [Fact]
    public void Rows_EmptySnapshot_ShowsZerosAndSigns()
    {
        var text = Render(new Stats(), StatsRates.Unknown);
        Assert.Contains("clients   0 of 0 (-)", text);
        Assert.Contains("open files -", text);
        Assert.Contains("last never", text);
        Assert.Contains("relay     -   up -   version -   -", text);
        Assert.DoesNotContain("closed", text);
    }

    [Fact]
    public void Rows_HostileNamesFromTheRelay_AreCleaned()
    {
        var stats = Snapshots.Full();
        stats.State = "re\e[2Jady";
        stats.Connections.ClosedTotal.Add("[red]\nx", 999);
        var text = Render(stats, StatsRates.Unknown);
        Assert.DoesNotContain('\e', text);
        Assert.Contains("closed    [red]x 999   client 120", text);
    }

    [Theory]
    [InlineData(0, 10_000, Tone.Plain)]
    [InlineData(7_999, 10_000, Tone.Plain)]
    [InlineData(8_000, 10_000, Tone.Warning)]
    [InlineData(9_500, 10_000, Tone.Alarm)]
    [InlineData(12_000, 10_000, Tone.Alarm)]
    public void Rows_FillingUp_CallForMoreAttention(long current, int total, object expected)
    {
        var stats = Snapshots.Full();
        (stats.Connections.Current, stats.Limits.Total) = (current, total);
        Assert.Equal((Tone)expected, StatsView.Rows(stats, StatsRates.Unknown).Single(row => row.Label == "clients").Parts[0].Tone);
    }

    [Fact]
    public void Line_FirstSnapshot_HasNoRates() => Assert.Equal(
        "2026-05-01T00:00:10Z state=ready clients=9812/10000 addresses=1204 admitted=- refused=- in=- out=- bytes-in=- bytes-out=- queued=7 codes=1200 peers=3 relays=0 channels=0 chunks=0 db-queue=0 mismatch=0",
        StatsLine.Format(Snapshots.Full(), StatsRates.Unknown));

    [Fact]
    public void Line_WithRates_HasOneWordPerField()
    {
        var line = StatsLine.Format(Snapshots.Full(), new StatsRates(12.5, 3, 100, 90, 2048, 1_000));
        Assert.Contains(" admitted=12.5/s refused=3.0/s in=100/s out=90.0/s bytes-in=2.0KiB/s bytes-out=1,000B/s ", line);
        Assert.Equal(18, line.Split(' ').Length);
    }

    [Fact]
    public void Line_FeaturesInUse_CountsThem() =>
        Assert.Contains(" relays=100 channels=12 chunks=20 db-queue=3 ", StatsLine.Format(Snapshots.InUse(), StatsRates.Unknown));

    [Fact]
    public void Line_Drift_IsInCapitals()
    {
        var stats = Snapshots.Full();
        stats.Ledger.Drift = -3;
        Assert.EndsWith(" MISMATCH=-3", StatsLine.Format(stats, StatsRates.Unknown));
    }

    [Fact]
    public void Line_EmptySnapshot_IsStillOneLine() => Assert.StartsWith("- state=- clients=0/0 ", StatsLine.Format(new Stats(), StatsRates.Unknown));

    [Fact]
    public void RatesBetween_TwoSnapshots_AreDifferencesPerSecondOfUptime()
    {
        var (before, now) = (Snapshots.Full(), Snapshots.Full());
        now.Uptime.Seconds += 2;
        now.Connections.AdmittedTotal += 10;
        now.Refused.PerIpLimit += 3;
        now.Refused.TotalLimit += 1;
        now.Traffic.MessagesReceivedTotal += 200;
        now.Traffic.BytesSentTotal += 4096;
        Assert.Equal(new StatsRates(5, 2, 100, 0, 0, 2048), StatsRates.Between(before, now));
    }

    [Fact]
    public void RatesBetween_SumsOfNodes_AreOfThoseThatWereThereBefore()
    {
        var (before, now) = (Snapshots.OfNodes("a", "b"), Snapshots.OfNodes("a", "b", "c"));
        foreach (var node in now.Cluster.ByNode)
        {
            node.Stats.Uptime.Seconds += 2;
            node.Stats.Connections.AdmittedTotal += 10;
        }

        // One was started anew.
        now.Cluster.ByNode[1].Stats.Uptime.Seconds = 1;
        var rates = StatsRates.Between(before, now);

        Assert.Equal((5, 5, null, null), (rates.Admitted, rates.OfNode("a").Admitted, rates.OfNode("b").Admitted, rates.OfNode("c").Admitted));
        Assert.Null(StatsRates.Seconds(before, now));
        Assert.Equal(StatsRates.Unknown.Admitted, StatsRates.Between(null, now).Admitted);
    }

    [Fact]
    public void Rows_SumOfNodes_HasARowForEach()
    {
        var stats = Snapshots.OfNodes("a", "\u001bb");
        stats.Cluster.Missing.Add(new MissingNode { Node = "c", Problem = "no answer within 2 s" });

        var text = OutputTests.Table(Terminal.None, OutputFormat.Table, output => output.Rows(StatsView.Rows(stats, StatsRates.Unknown)));

        Assert.Matches(@"(?m)^nodes +2 of 3 nodes ready   c is missing: no answer within 2 s$", text);
        Assert.Matches(@"(?m)^a\* +ready   clients 9,812 of 10,000 \(98%\)   refused 0   codes 1,200 ", text);
        Assert.DoesNotContain('\u001b', text);
        Assert.DoesNotContain("peak", text);
        Assert.EndsWith(" nodes=2 peers=3 relays=0 channels=0 chunks=0 db-queue=0 mismatch=0 MISSING=c", StatsLine.Format(stats, StatsRates.Unknown));
    }

    [Fact]
    public void RatesBetween_NoSnapshotBefore_AreUnknown() => Assert.Equal(StatsRates.Unknown, StatsRates.Between(null, Snapshots.Full()));

    [Fact]
    public void RatesBetween_SameOrEarlierUptime_AreUnknown()
    {
        var earlier = Snapshots.Full();
        earlier.Uptime.Seconds -= 100;
        Assert.Equal(StatsRates.Unknown, StatsRates.Between(Snapshots.Full(), Snapshots.Full()));
        Assert.Equal(StatsRates.Unknown, StatsRates.Between(Snapshots.Full(), earlier));
    }

    [Fact]
    public void RatesBetween_CounterThatFell_IsUnknownAlone()
    {
        var (before, now) = (Snapshots.Full(), Snapshots.Full());
        now.Uptime.Seconds += 1;
        now.Traffic.MessagesSentTotal = 0;
        Assert.Equal(new StatsRates(0, 0, 0, null, 0, 0), StatsRates.Between(before, now));
    }

    internal static string Render(Stats stats, StatsRates rates) =>
        new Output(new StringWriter(CultureInfo.InvariantCulture), Terminal.None, OutputFormat.Table).Render(StatsView.Rows(stats, rates));
}
