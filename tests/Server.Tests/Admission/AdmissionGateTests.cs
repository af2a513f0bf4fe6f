using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Telemetry;

namespace Server.Tests.Admission;

public sealed class AdmissionGateTests : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly Books _books = new(total: 3, perIp: 1);
    private readonly AutoBanOptions _autoBan = new() { Threshold = 3, Duration = TimeSpan.FromMinutes(1) };
    private readonly DecisionLog _log;
    private readonly OverloadMonitor _overload;
    private readonly AdmissionGate _gate;

    public AdmissionGateTests()
    {
        _log = new DecisionLog(_books.Time);
        var networks = new ProtectedNetworks(_books.Options.TrustedProxies);
        _overload = new OverloadMonitor(_books.Ledger, _books.Policies, _books.Overload, new RelayEvents(_books.Time), _books.Time, NullLogger<OverloadMonitor>.Instance, () => TimeSpan.Zero);
        _gate = new AdmissionGate(
            _books.Ledger, _books.Policies, _books.Options, new AutoBans(_autoBan, networks, new RelayEvents(_books.Time), _books.Time), networks, _overload, _log, _metrics, _books.Time);
    }

    public void Dispose()
    {
        _metrics.Dispose();
    }

    [Fact]
    public void TryAdmit_TwoAddressesOfOnePrefix_CountAsOne()
    {
        var first = _gate.TryAdmit(Address("2001:db8::1"), out _);
        var second = _gate.TryAdmit(Address("2001:db8::2"), out _);

        Assert.Equal((Refusal.None, Refusal.PerIpLimit), (first.Refusal, second.Refusal));
        Assert.Equal(first.Key, second.Key);
    }

    [Fact]
    public void Stop_Newcomers_AreRefusedAndCounted()
    {
        _gate.TryAdmit(Address("127.0.0.1"), out var held);
        _gate.State.TryStop();
        _gate.State.TryCancelDrain();

        Assert.Equal(Refusal.Stopping, _gate.TryAdmit(Address("192.0.2.1"), out var lease).Refusal);
        Assert.False(lease.IsHeld);
        held.Dispose();
        Assert.Equal((0, 1L), (_books.Ledger.Totals().Live, _books.Ledger.Totals().RefusedBy(Refusal.Stopping)));
    }

    [Fact]
    public void Drain_OnAndOff_RefusesAndAdmitsAgain()
    {
        _gate.State.TryDrain();
        Assert.Equal(Refusal.Draining, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);

        _gate.State.TryCancelDrain();
        Assert.Equal(Refusal.None, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);
    }

    [Fact]
    public void TryAdmit_AfterThreeRefusals_IsBannedForItsTime()
    {
        _gate.TryAdmit(Address("192.0.2.1"), out var held);
        for (var i = 0; i < 3; i++)
        {
            Assert.Equal(Refusal.PerIpLimit, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);
        }

        held.Dispose();
        Assert.Equal(Refusal.Banned, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);
        Assert.Equal(Refusal.None, _gate.TryAdmit(Address("192.0.2.2"), out _).Refusal);

        _books.Time.Advance(_autoBan.Duration);
        Assert.Equal(Refusal.None, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);
    }

    [Fact]
    public void TryAdmit_RefusedForTheServersOwnSake_IsNoStrike()
    {
        for (var i = 1; i <= 3; i++)
        {
            _gate.TryAdmit(Address($"192.0.2.{i}"), out _);
        }

        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(Refusal.TotalLimit, _gate.TryAdmit(Address("192.0.2.9"), out _).Refusal);
        }
    }

    [Fact]
    public void Strike_UnlimitedAddress_IsNeverBanned()
    {
        _books.Change(("override/192.0.2.1", "unlimited"));
        for (var i = 0; i < 10; i++)
        {
            _gate.RecordViolation(Address("192.0.2.1"));
        }

        Assert.Equal(Refusal.None, _gate.TryAdmit(Address("192.0.2.1"), out _).Refusal);
    }

    [Fact]
    public void TryAdmit_EachDecision_IsInTheLog()
    {
        _gate.TryAdmit(Address("192.0.2.1"), out _);
        _gate.TryAdmit(Address("192.0.2.1"), out _);

        Assert.Equal(
            [Refusal.PerIpLimit, Refusal.None],
            _log.Last(10, logged => logged.Address == Address("192.0.2.1")).Select(logged => logged.Decision.Refusal));
    }

    // Whoever fills its places at once is admitted so often that nothing would be left to tell of its refusals.
    [Fact]
    public void TryAdmit_ManyAdmissionsFirst_TheRefusalsAreInTheLogAllTheSame()
    {
        _books.Change(("per-ip", "50"), ("total", "50"));
        for (var i = 0; i < 100; i++)
        {
            _gate.TryAdmit(Address("192.0.2.1"), out _);
        }

        var logged = _log.Last(100, _ => true);
        Assert.Equal(10, logged.Count(decision => decision.Decision.Refusal == Refusal.None));
        Assert.Equal(10, logged.Count(decision => decision.Decision.Refusal == Refusal.TotalLimit));
    }

    // "Why is the office let in?": that it is in no count does not mean that nobody asks.
    [Fact]
    public void TryAdmit_UnlimitedAddress_IsInTheLogWithItsOwnSockets()
    {
        _books.Change(("override/192.0.2.0/24", "unlimited"));
        for (var i = 0; i < 12; i++)
        {
            _gate.TryAdmit(Address("192.0.2.1"), out _);
        }

        Assert.Equal(
            Enumerable.Range(0, 10).Reverse().Select(sockets => (Refusal.None, sockets, 0)),
            _log.Last(100, logged => logged.Address == Address("192.0.2.1")).Select(logged => (logged.Decision.Refusal, logged.Decision.Live.Key, logged.Decision.Live.Total)));
        Assert.Equal((0, 12), (_books.Ledger.Totals().Live, _books.Ledger.Totals().Uncounted));
    }

    [Fact]
    public void TryAdmit_AfterWarmUp_AllocatesNothing()
    {
        var address = Address("2001:db8::1");
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            for (var i = 0; i < 100; i++)
            {
                _gate.TryAdmit(address, out var lease);
                _gate.TryAdmit(address, out _);
                lease.Dispose();
            }
        }
    }

    private static IpKey Address(string text) => IpKey.From(IPAddress.Parse(text));
}
