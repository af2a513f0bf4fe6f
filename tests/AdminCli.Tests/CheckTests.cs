using System.Text.Json;
using AdminCli.Tests.Live;
using AdminCli.Tests.Support;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>The plugin for monitoring systems.</summary>
public sealed class CheckTests(NetworkRelay relay) : IClassFixture<NetworkRelay>
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly CheckThresholds Usual = new(80, 95, TimeSpan.FromDays(14), TimeSpan.FromDays(3), null);

    [Fact]
    public void Report_HealthyRelay_IsOneLineWithPerformanceData()
    {
        var stats = Healthy();
        stats.Certificates.Add(Expires("public", TimeSpan.FromDays(60)));
        var report = CheckReport.Of(stats, null, Usual, Now);
        Assert.Equal(CheckState.Ok, report.State);
        Assert.Equal(
            "RELAY OK - 10 of 1,000 clients; overload level normal; certificate of the public listener expires in 60d"
            + " | clients=10;800;950;0;1000 refused=7c;;;0 overload=0;0;1;0;2 certificate_public=5184000s;1209600:;259200:",
            report.Line);
    }

    [Theory]
    [InlineData(800, 0)]
    [InlineData(801, 1)]
    [InlineData(950, 1)]
    [InlineData(951, 2)]
    public void Report_Clients_AreComparedWithWhatCanBeAdmitted(long clients, int state)
    {
        var stats = Healthy();
        stats.Connections.Current = clients;
        stats.Limits.Total = 1_000_000;
        Assert.Equal(state, (int)CheckReport.Of(stats, null, Usual, Now).State);
    }

    [Theory]
    [InlineData("normal", 0)]
    [InlineData("elevated", 1)]
    [InlineData("critical", 2)]
    public void Report_OverloadLevel_IsTheState(string level, int state)
    {
        var stats = Healthy();
        stats.Overload.Level = level;
        Assert.Equal(state, (int)CheckReport.Of(stats, null, Usual, Now).State);
    }

    [Theory]
    [InlineData(14 * 24, 0, "expires in 14d")]
    [InlineData((14 * 24) - 1, 1, "expires in 13d23h")]
    [InlineData((3 * 24) - 1, 2, "expires in 2d23h")]
    [InlineData(-1, 2, "has expired")]
    public void Report_Certificate_IsJudgedByTheTimeLeft(int hours, int state, string text)
    {
        var stats = Healthy();
        stats.Certificates.Add(Expires("admin", TimeSpan.FromHours(hours)));
        var report = CheckReport.Of(stats, null, Usual, Now);
        Assert.Equal(state, (int)report.State);
        Assert.Contains($"certificate of the admin listener {text}", report.Line);
    }

    [Fact]
    public void Report_EachProblem_IsNamedWorstFirstAndWithoutABar()
    {
        var stats = Healthy();
        stats.State = "draining";
        stats.Storage = new StorageStats { Away = true };
        stats.Ledger = new LedgerStatus { Drift = -1 };
        stats.AuditFile = new AuditFile { Failing = true };
        stats.ClientAddress = new ClientAddressStats { Warnings = { "one_address|x" } };
        var nodes = new ListNodesResponse { Cluster = "c", Away = true, Nodes = { new Node { Name = "a", Self = true } }, Missing = { new MissingNode { Node = "b", Problem = "not heard for 14 s" } } };
        var report = CheckReport.Of(stats, nodes, Usual with { Nodes = 3 }, Now);
        Assert.Equal(CheckState.Critical, report.State);
        Assert.StartsWith(
            "RELAY CRITICAL - 1 node of 3; NATS cannot be reached, the relay is cut off from its cluster; the database is away; the ledger does not match the open sockets; "
            + "b is missing: not heard for 14 s; the relay is draining; the audit log cannot be written; proxy warning one_address/x | ",
            report.Line, StringComparison.Ordinal);
        Assert.Equal(1, report.Line.Count(c => c == '|'));
        Assert.EndsWith(" nodes=1;;3:;0", report.Line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(2, 2)]
    public void Report_RelayThatIsAlone_IsOneNode(int expected, int state) =>
        Assert.Equal(state, (int)CheckReport.Of(Healthy(), null, Usual with { Nodes = expected }, Now).State);

    [Fact]
    public async Task Run_RealRelay_HasTheCertificateOfItsListener()
    {
        // Ten years: a certificate of the tests' authority never has so long.
        var result = await relay.Relay.Cli.RunLineAsync("check --certificate-warning 3650d --certificate-critical 1h");
        Assert.Equal(((int)CheckState.Warning, ""), (result.ExitCode, result.Error));
        Assert.Matches(@"^RELAY WARNING - certificate of the admin listener expires in \S+ \| clients=0;\d+;\d+;0;\d+ refused=0c;;;0 overload=0;0;1;0;2 certificate_admin=\d+s;315360000:;3600:\n$", result.Output);

        using var json = JsonDocument.Parse((await relay.Relay.Cli.RunLineAsync("check --certificate-warning 3650d --certificate-critical 1h -o json")).Output);
        Assert.Equal("WARNING", json.RootElement.GetProperty("state").GetString());
        Assert.Equal("WARNING", json.RootElement.GetProperty("problems")[0].GetProperty("state").GetString());
    }

    [Fact]
    public async Task Run_RelayThatCannotBeReached_IsCriticalAndOneThatRefusesIsUnknown()
    {
        var gone = await new Cli().RunLineAsync("check --server /nowhere/admin.sock");
        Assert.Equal(((int)CheckState.Critical, ""), (gone.ExitCode, gone.Error));
        Assert.StartsWith("RELAY CRITICAL - Cannot reach the relay at unix:/nowhere/admin.sock: ", Assert.Single(gone.OutputLines), StringComparison.Ordinal);

        var refused = await new Cli { Timeout = "1m" }.RunAsync("check", "--server", relay.Address, "--ca-file", relay.Authority.CaFile);
        Assert.Equal(((int)CheckState.Unknown, ""), (refused.ExitCode, refused.Error));
        Assert.StartsWith("RELAY UNKNOWN - ", Assert.Single(refused.OutputLines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--clients-warning 0", "--clients-warning must be between 1 and 100, not '0'.")]
    [InlineData("--clients-warning 96", "--clients-warning (96) must not be above --clients-critical (95).")]
    [InlineData("--certificate-warning 1d", "--certificate-warning (1d) must not be below --certificate-critical (3d).")]
    [InlineData("--nodes x", "--nodes must be between 1 and 1,000, not 'x'.")]
    public async Task Run_MalformedThreshold_IsUnknown(string options, string sentence)
    {
        var result = await new Cli().RunLineAsync($"check {options}");
        Assert.Equal(((int)CheckState.Unknown, sentence), (result.ExitCode, result.ErrorLines[0]));
    }

    private static Stats Healthy() => new()
    {
        State = "ready",
        Connections = new Connections { Current = 10 },
        Limits = new Limits { Total = 1000 },
        Capacity = new Capacity { EffectiveTotal = 1000 },
        Refused = new Refusals { ByReason = { ["total_limit"] = 3, ["banned"] = 4 } },
        Overload = new OverloadStatus { Level = "normal" },
        Ledger = new LedgerStatus(),
    };

    private static CertificateStats Expires(string listener, TimeSpan left) => new() { Listener = listener, ExpiresAt = Timestamp.FromDateTimeOffset(Now + left) };
}
