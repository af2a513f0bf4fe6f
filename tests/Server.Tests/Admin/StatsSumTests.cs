using Google.Protobuf.WellKnownTypes;
using Relay.Admin;
using Relay.AdminApi;

namespace Server.Tests.Admin;

public sealed class StatsSumTests
{
    [Fact]
    public void Of_OneNode_IsThatWithoutWhatDoesNotAddUp()
    {
        var expected = Node();
        (expected.Connections.Peak, expected.Connections.Addresses, expected.Pairing.CollisionRisk, expected.Capacity) = (0, 0, "", null);

        Assert.Equal(expected, StatsSum.Of([Node()]));
    }

    [Fact]
    public void Of_SeveralNodes_AddsUpWhatCanBe()
    {
        var (a, b, c) = (Node(), Node(), Node());
        (b.State, b.Version, b.Overload.Level, b.Ledger.Drift, b.Storage.Away) = ("draining", "0.3.0", "critical", -1, true);
        (c.Ledger.Drift, c.Limits.Revision, c.Uptime.Seconds, c.Process.MaxGcPause, c.Rendezvous.DailyPoints) = (1, 6, 50, new Duration { Seconds = 3 }, 12);
        c.Refused.ByReason["rate"] = 9;
        c.ClientAddress.Warnings.Add("other");
        var before = (a.Clone(), b.Clone(), c.Clone());

        var sum = StatsSum.Of([a, b, c]);

        Assert.Equal((30, 300, 0, 0), (sum.Connections.Current, sum.Connections.AdmittedTotal, sum.Connections.Peak, sum.Connections.Addresses));
        Assert.Equal((3_000, 5, 6L), (sum.Limits.Total, sum.Limits.PerIp, sum.Limits.Revision));
        Assert.Equal(new Dictionary<string, long> { ["banned"] = 6, ["rate"] = 9 }, new Dictionary<string, long>(sum.Refused.ByReason));
        Assert.Equal(6, sum.Refused.PerIpLimit);
        Assert.Equal(("mixed", "", "ed25519:x"), (sum.State, sum.Version, sum.ServerId));
        Assert.Equal(("critical", 50.0, 3.0), (sum.Overload.Level, sum.Overload.CpuPercent, sum.Overload.RefusedPerSecond));
        Assert.Equal(1, sum.Ledger.Drift);
        Assert.Equal((new Duration { Seconds = 7, Nanos = 500_000_000 }, new Duration { Seconds = 3 }, new Duration { Seconds = 50 }), (sum.Process.CpuTime, sum.Process.MaxGcPause, sum.Uptime));
        Assert.Equal((12, 3, true), (sum.Rendezvous.DailyPoints, sum.Rendezvous.MatchesTotal, sum.Storage.Away));
        Assert.Equal(["one", "other"], sum.ClientAddress.Warnings);
        Assert.Null(sum.Capacity);

        // The nodes' own stay as they were.
        Assert.Equal(before, (a, b, c));
    }

    /// <summary>What a node says may be anything.</summary>
    [Fact]
    public void Of_NodesThatSayNothingOrTooMuch_IsASum()
    {
        var much = new Stats
        {
            Uptime = new Duration { Seconds = Duration.MaxSeconds },
            Limits = new Relay.AdminApi.Limits { Total = int.MaxValue },
            Process = new Process { CpuTime = new Duration { Seconds = Duration.MaxSeconds, Nanos = 999_999_999 } },
            Ledger = new LedgerStatus { Drift = long.MinValue },
            Overload = new OverloadStatus { Level = "x", CpuPercent = double.NaN },
        };

        var sum = StatsSum.Of([Node(), new Stats(), much, much.Clone()]);

        Assert.Equal((int.MaxValue, long.MaxValue, 10), (sum.Limits.Total, sum.Ledger.Drift, sum.Connections.Current));
        Assert.True(NodeMessage.IsValid(sum));
    }

    private static Stats Node() => new()
    {
        ServerId = "ed25519:x",
        Version = "0.2.0",
        State = "ready",
        Uptime = new Duration { Seconds = 100 },
        Time = new Timestamp { Seconds = 1 },
        Connections = new Connections { Current = 10, Peak = 20, Addresses = 3, AdmittedTotal = 100 },
        Limits = new Relay.AdminApi.Limits { Total = 1_000, PerIp = 5, Ipv6Prefix = 64, Revision = 7 },
        Refused = new Refusals { PerIpLimit = 2, ByReason = { ["banned"] = 2 } },
        Pairing = new Pairing { ActiveCodes = 4, CollisionRisk = "low" },
        Process = new Process { CpuTime = new Duration { Seconds = 2, Nanos = 500_000_000 }, MaxGcPause = new Duration { Seconds = 1 } },
        Overload = new OverloadStatus { Level = "normal", CpuPercent = 50, RefusedPerSecond = 1 },
        Ledger = new LedgerStatus(),
        Rendezvous = new RendezvousStats { DailyPoints = 11, MatchesTotal = 1 },
        Storage = new StorageStats(),
        ClientAddress = new ClientAddressStats { Warnings = { "one" } },
        Capacity = new Capacity { EffectiveTotal = 5 },
    };
}
