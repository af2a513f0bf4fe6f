using System.Text.Json;
using AdminCli.Tests.Live;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.AdminCli;

namespace AdminCli.Tests;

/// <summary>What commonly goes wrong, and whether doctor says what to do.</summary>
public sealed class DoctorTests(NetworkRelay relay) : IClassFixture<NetworkRelay>
{
    private static readonly DateTimeOffset Now = new(2026, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void Of_HealthyRelay_HasNothingToDo() => Assert.All(Examine(Healthy()), finding => Assert.Equal("", finding.Advice));

    [Fact]
    public void Of_TooFewOpenFiles_SaysHowManyThereHaveToBe()
    {
        var stats = Healthy();
        stats.Capacity.ByFiles = 600;
        Assert.Equal(
            new Finding("open files", "120 of 1,024 in use: enough for 600 clients, and the total limit is 1,000",
                "Set LimitNOFILE=1424 in the systemd unit (elsewhere `ulimit -n`) and restart relayd, or lower the limit: relayctl set-limit --total 600"),
            Single(stats));
    }

    [Fact]
    public void Of_ShortAcceptQueue_SaysTheSysctl()
    {
        var stats = Healthy();
        stats.Machine.ListenBacklogLimit = 128;
        var finding = Single(stats);
        Assert.Equal("net.core.somaxconn is 128, relayd asks for 4096", finding.Text);
        Assert.Contains("sysctl -w net.core.somaxconn=4096", finding.Advice);
    }

    [Theory]
    [InlineData(1, 0, true)]
    [InlineData(-3, 0, false)]
    [InlineData(3, 0, false)]
    [InlineData(3, 2, true)]
    public void Of_Clock_IsComparedAsFarAsTheCallAllows(int ahead, int uncertain, bool isFine) =>
        Assert.Equal(isFine, Diagnosis.Of(Healthy(), null, (TimeSpan.FromSeconds(ahead), TimeSpan.FromSeconds(uncertain)), Now).All(finding => finding.Advice.Length == 0));

    [Fact]
    public void Of_EachOtherProblem_IsNamedWithAdvice()
    {
        Assert.Equal("memory", Single(With(stats => stats.Capacity.ByMemory = 10)).Subject);
        Assert.Equal("buffers", Single(With(stats => stats.Memory.UsedBytes = 95)).Subject);
        Assert.Equal("disk", Single(With(stats => stats.Machine.DiskAvailableBytes = 1 << 20)).Subject);
        Assert.Equal("database", Single(With(stats => stats.Storage = new StorageStats { Away = true })).Subject);
        Assert.Equal("audit log", Single(With(stats => stats.AuditFile = new AuditFile { Failing = true })).Subject);
        Assert.Equal("ledger", Single(With(stats => stats.Ledger = new LedgerStatus { Drift = 1 })).Subject);
        Assert.Equal("state", Single(With(stats => stats.State = "draining")).Subject);
        Assert.Equal("certificate", Single(With(stats => stats.Certificates.Add(new CertificateStats { Listener = "public", ExpiresAt = Timestamp.FromDateTimeOffset(Now.AddDays(13)) }))).Subject);
        foreach (var warning in (string[])["one_address", "unlisted_proxy", "silent_proxy", "of_a_later_version"])
        {
            Assert.Equal("proxies", Single(With(stats => stats.ClientAddress = new ClientAddressStats { Warnings = { warning } })).Subject);
        }
    }

    [Fact]
    public void Of_Cluster_NamesEachNodeThatIsWrong()
    {
        var nodes = new ListNodesResponse
        {
            Cluster = "c",
            Nodes =
            {
                new Node { Name = "a", Self = true, State = "ready" },
                new Node { Name = "b", State = "incompatible" },
                new Node { Name = "c", State = "ready", ClockOffset = Duration.FromTimeSpan(TimeSpan.FromSeconds(-4)) },
            },
            Missing = { new MissingNode { Node = "d", Problem = "not heard for 14 s" } },
        };
        var wrong = Diagnosis.Of(Healthy(), nodes, default, Now).Where(finding => finding.Advice.Length > 0).Select(finding => finding.Text);
        Assert.Equal(["d is missing: not heard for 14 s", "b is incompatible", "the clock of c is off by 4s"], wrong);
    }

    [Fact]
    public async Task Run_RealRelay_KnowsItsMachineAndItsCertificate()
    {
        var result = await relay.Relay.Cli.RunAsync("doctor", "-o", "json");
        Assert.Empty(result.Error);
        using var json = JsonDocument.Parse(result.Output);
        var findings = json.RootElement.GetProperty("findings").EnumerateArray().ToLookup(each => each.GetProperty("subject").GetString()!, each => each.GetProperty("text").GetString()!);
        Assert.StartsWith("ready, version ", Assert.Single(findings["state"]), StringComparison.Ordinal);
        Assert.StartsWith("net.core.somaxconn is ", Assert.Single(findings["accept queue"]), StringComparison.Ordinal);
        Assert.Contains(" free where the data folder is", Assert.Single(findings["disk"]));
        Assert.Equal("agrees with this machine's", Assert.Single(findings["clock"]));
        Assert.StartsWith("admin listener: expires ", Assert.Single(findings["certificate"]), StringComparison.Ordinal);

        // What this machine is like is not the test's to say; that the exit code says it is.
        var text = await relay.Relay.Cli.RunAsync("doctor");
        var isFine = text.OutputLines[^1] == "Nothing to do.";
        Assert.Equal(isFine ? ExitCodes.Ok : ExitCodes.Rejected, text.ExitCode);
        Assert.Equal(!isFine, text.Output.Contains("-> ", StringComparison.Ordinal));
    }

    private static Finding Single(Stats stats) => Assert.Single(Examine(stats), finding => finding.Advice.Length > 0);

    private static IReadOnlyList<Finding> Examine(Stats stats) => Diagnosis.Of(stats, null, default, Now);

    private static Stats With(Action<Stats> change)
    {
        var stats = Healthy();
        change(stats);
        return stats;
    }

    private static Stats Healthy() => new()
    {
        State = "ready",
        Version = "0.2.0",
        Limits = new Limits { Total = 1000 },
        Process = new Process { OpenFiles = 120, OpenFilesLimit = 1024 },
        Capacity = new Capacity { EffectiveTotal = 1000, ByFiles = 1000, ByMemory = 5000, MemoryAvailableBytes = 1 << 30, MemoryLimitBytes = 1L << 31 },
        Memory = new MemoryStats { BudgetBytes = 100, UsedBytes = 10 },
        Machine = new MachineStats { ListenBacklog = 4096, ListenBacklogLimit = 4096, DiskAvailableBytes = 10L << 30, DiskTotalBytes = 100L << 30 },
        Ledger = new LedgerStatus(),
    };
}
