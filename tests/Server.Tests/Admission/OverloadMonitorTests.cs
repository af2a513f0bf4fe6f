using System.Net;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Policy;
using Relay.Scheduling;
using Relay.Telemetry;
using Server.Tests.Support;

namespace Server.Tests.Admission;

/// <summary>The level for everybody, and who is cut before HTTP.</summary>
public sealed class OverloadMonitorTests : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly Books _books = new(total: 1000, perIp: 1);
    private readonly ListLogger<OverloadMonitor> _log = new();
    private readonly OverloadMonitor _overload;
    private readonly PeriodicWork _ticking;
    private readonly AutoBans _bans;
    private readonly AdmissionGate _gate;
    private TimeSpan _cpu;

    public OverloadMonitorTests()
    {
        var networks = new ProtectedNetworks(["198.51.100.0/24"]);
        _overload = new OverloadMonitor(_books.Ledger, _books.Policies, _books.Overload, new RelayEvents(_books.Time), _books.Time, _log, () => _cpu);
        _ticking = Ticking.Start(_books.Time, OverloadMonitor.Interval, _overload.Sample);
        _bans = new AutoBans(new AutoBanOptions(), networks, new RelayEvents(_books.Time), _books.Time);
        _gate = new AdmissionGate(
            _books.Ledger, _books.Policies, _books.Options, _bans, networks, _overload, new DecisionLog(_books.Time), _metrics, _books.Time);
    }

    public void Dispose()
    {
        _ticking.Dispose();
        _metrics.Dispose();
    }

    [Theory]
    [InlineData(199, "normal")]
    [InlineData(200, "elevated")]
    [InlineData(1_999, "elevated")]
    [InlineData(2_000, "critical")]
    public void Rung_ByRefusalsASecond_ForEverybody(int refusals, string level)
    {
        Refuse(refusals);

        Assert.Equal((level, (double)refusals), (OverloadLevels.Name(_overload.OverloadLevel), _overload.RefusedPerSecond));
        Assert.Equal(level, OverloadLevels.Name(_gate.TryAdmit(Held("203.0.113.200"), out _).OverloadLevel));
    }

    [Theory]
    [InlineData(19, 1.0, "normal")]
    [InlineData(20, 1.0, "elevated")]
    [InlineData(200, 1.0, "critical")]
    [InlineData(200, 0.8, "elevated")]
    [InlineData(0, 1.0, "normal")]
    public void Rung_ProcessorIsShort_NeedsATenth(int refusals, double share, string level)
    {
        _cpu += TimeSpan.FromSeconds(share * Environment.ProcessorCount);
        Refuse(refusals);

        Assert.Equal((level, share * 100), (OverloadLevels.Name(_overload.OverloadLevel), Math.Round(_overload.CpuPercent, 3)));
    }

    [Fact]
    public void Rung_FloodIsOver_GoesDownOneByOne()
    {
        Refuse(2_000);
        Advance(9);
        Assert.Equal(OverloadLevel.Critical, _overload.OverloadLevel);
        Advance(1);
        Assert.Equal(OverloadLevel.Elevated, _overload.OverloadLevel);
        Advance(9);
        Assert.False(_overload.IsQuiet);
        Advance(1);
        Assert.Equal((OverloadLevel.Normal, true), (_overload.OverloadLevel, _overload.IsQuiet));
    }

    [Fact]
    public void TryAdmit_OneAddressFloods_OthersAreToldCalmly()
    {
        var flooder = Held("203.0.113.1");
        var other = Held("203.0.113.2");
        for (var i = 0; i < 9; i++)
        {
            Assert.Equal(OverloadLevel.Normal, _gate.TryAdmit(flooder, out _).OverloadLevel);
        }

        Assert.Equal(OverloadLevel.Elevated, _gate.TryAdmit(flooder, out _).OverloadLevel);
        Assert.Equal(OverloadLevel.Normal, _gate.TryAdmit(other, out _).OverloadLevel);
    }

    // Per key first: what three addresses do is no reason to speak less to the rest.
    [Fact]
    public void Rung_AFewAddressesFlood_IsNotForEverybody()
    {
        foreach (var flooder in new[] { Held("203.0.113.1"), Held("203.0.113.2"), Held("203.0.113.3") })
        {
            for (var i = 0; i < 5_000; i++)
            {
                _gate.TryAdmit(flooder, out _);
            }
        }

        Advance(1);
        Assert.Equal((OverloadLevel.Normal, 15_000), (_overload.OverloadLevel, _overload.RefusedPerSecond));
        Assert.Equal(OverloadLevel.Normal, _gate.TryAdmit(Held("203.0.113.4"), out _).OverloadLevel);
        Assert.True(_gate.TryRejectEarly(Address("203.0.113.3")));
    }

    [Fact]
    public void IsCut_AddressFloods_IsCountedAndOthersAreNot()
    {
        var flooder = Held("203.0.113.1");
        var other = Held("203.0.113.2");
        for (var i = 0; i < 50; i++)
        {
            _gate.TryAdmit(flooder, out _);
        }

        Advance(1);
        Assert.True(_gate.TryRejectEarly(flooder));
        Assert.False(_gate.TryRejectEarly(other));
        Assert.Equal(51, _books.Ledger.Snapshot().Keys().Single(row => row.Key == flooder).Refused);
        Assert.Equal(51, _books.Ledger.Totals().RefusedBy(Refusal.PerIpLimit));
        Assert.Equal(("reset", 1L), (_overload.Counts().Last().Key, _overload.Counts().Last().Value));
    }

    // Whoever would be let in is let in, however badly it behaved.
    [Fact]
    public void IsCut_ThereIsRoomAgain_IsLetIn()
    {
        var flooder = Address("203.0.113.1");
        _gate.TryAdmit(flooder, out var lease);
        for (var i = 0; i < 50; i++)
        {
            _gate.TryAdmit(flooder, out _);
        }

        Advance(1);
        lease.Dispose();
        Assert.False(_gate.TryRejectEarly(flooder));
        Assert.Equal(Refusal.None, _gate.TryAdmit(flooder, out _).Refusal);
    }

    [Theory]
    [InlineData("203.0.113.7", true)]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("198.51.100.9", false)]
    public void IsCut_EverybodyIsFlooded_SparesWhereHealthChecksComeFrom(string address, bool isCut)
    {
        Refuse(2_000);

        Assert.Equal(isCut, _gate.TryRejectEarly(Held(address)));
        Assert.False(_gate.TryRejectEarly(Address("203.0.113.99")));
    }

    [Fact]
    public void IsCut_RateIsUsedUp_TakesNothingFromIt()
    {
        _books.Change(("rate-per-ip", "1/s burst 1"), ("per-ip", "100"));
        var flooder = Held("203.0.113.1");
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(Refusal.RatePerIp, _gate.TryAdmit(flooder, out _).Refusal);
        }

        Refuse(1);
        _books.Time.Advance(TimeSpan.FromSeconds(5));
        Assert.False(_gate.TryRejectEarly(flooder));
        Assert.Equal(Refusal.None, _gate.TryAdmit(flooder, out _).Refusal);
        Assert.True(_gate.TryRejectEarly(flooder));
    }

    [Theory]
    [InlineData("normal", false, "normal")]
    [InlineData("elevated", false, "elevated")]
    [InlineData("critical", true, "critical")]
    public void Pinned_AnyRung_HoldsForEverybody(string pin, bool isCut, string told)
    {
        var calm = Held("203.0.113.1");
        var flooder = Held("203.0.113.2");
        for (var i = 0; i < 50; i++)
        {
            _gate.TryAdmit(flooder, out _);
        }

        _books.Change(("overload-level", pin));
        Advance(1);

        Assert.Equal((isCut, isCut), (_gate.TryRejectEarly(calm), _gate.TryRejectEarly(flooder)));
        Assert.Equal((told, told), (OverloadLevels.Name(_gate.TryAdmit(calm, out _).OverloadLevel), OverloadLevels.Name(_gate.TryAdmit(flooder, out _).OverloadLevel)));
    }

    [Fact]
    public void IsCut_BannedAddress_FromTheRungBusy()
    {
        var banned = Address("203.0.113.1");
        _books.Change(("ban/203.0.113.1", "forever"), ("override/203.0.113.2", "deny"));
        Assert.False(_gate.TryRejectEarly(banned));
        Assert.Equal((Refusal.Banned, OverloadLevel.Normal), (_gate.TryAdmit(banned, out var lease).Refusal, _gate.TryAdmit(banned, out lease).OverloadLevel));

        Refuse(200);
        Assert.True(_gate.TryRejectEarly(banned));
        Assert.True(_gate.TryRejectEarly(Address("203.0.113.2")));
        Assert.False(_gate.TryRejectEarly(Held("203.0.113.3")));
    }

    [Fact]
    public void IsCut_RelayIsBeingEmptied_OnlyWhoFloods()
    {
        Refuse(2_000);
        _gate.State.TryDrain();

        Assert.False(_gate.TryRejectEarly(Address("203.0.113.7")));
        for (var i = 0; i < 50; i++)
        {
            _gate.TryAdmit(Address("203.0.113.7"), out _);
        }

        Assert.True(_gate.TryRejectEarly(Address("203.0.113.7")));
    }

    [Fact]
    public void IsCut_UnlimitedAddress_Never()
    {
        _books.Change(("override/203.0.113.7", "unlimited"), ("overload-level", "critical"), ("total", "1"));
        Held("203.0.113.1");

        Assert.False(_gate.TryRejectEarly(Address("203.0.113.7")));
        Assert.True(_gate.TryRejectEarly(Address("203.0.113.8")));
    }

    [Fact]
    public void Log_Flood_IsALineAtItsBeginningAndOneAtItsEnd()
    {
        var flooder = Held("203.0.113.1");
        for (var i = 0; i < 50; i++)
        {
            _gate.TryAdmit(flooder, out _);
        }

        Advance(1);
        for (var second = 0; second < 30; second++)
        {
            for (var i = 0; i < 100; i++)
            {
                Assert.True(_gate.TryRejectEarly(flooder));
            }

            Advance(1);
        }

        Assert.Contains("A flood: 100 connections are refused a second", Assert.Single(_log.Texts), StringComparison.Ordinal);
        Advance(30);
        Assert.Equal(2, _log.Texts.Count);
        Assert.Equal("The flood is over: 3000 connections were reset", _log.Texts[1]);
    }

    // Refused, each by another address, and the second is over.
    private void Refuse(int times)
    {
        for (var i = 0; i < times; i++)
        {
            _books.Ledger.TryAcquire(IpKey.FromIpv4((uint)(0x0B000000 + i)), _books.Time.GetTimestamp(), out _, new Standing(Refusal.TotalLimit));
        }

        Advance(1);
    }

    private void Advance(int seconds)
    {
        for (var i = 0; i < seconds; i++)
        {
            _books.Time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    // An address that holds all that it may.
    private IpKey Held(string address)
    {
        Assert.Equal(Refusal.None, _gate.TryAdmit(Address(address), out _).Refusal);
        return Address(address);
    }

    private static IpKey Address(string text) => IpKey.From(IPAddress.Parse(text));
}
