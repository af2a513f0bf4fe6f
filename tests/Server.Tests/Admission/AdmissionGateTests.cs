using System.Net;
using Relay.Admission;
using Relay.Telemetry;

namespace Server.Tests.Admission;

public sealed class AdmissionGateTests : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly Books _books = new(total: 3, perIp: 1);
    private readonly AdmissionGate _gate;

    public AdmissionGateTests() => _gate = new AdmissionGate(_books.Ledger, _books.Policies, _metrics, _books.Time);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void TryAdmit_TwoAddressesOfOnePrefix_CountAsOne()
    {
        Assert.Equal(Refusal.None, _gate.TryAdmit(IPAddress.Parse("2001:db8::1"), out var key, out _));
        Assert.Equal(Refusal.PerIpLimit, _gate.TryAdmit(IPAddress.Parse("2001:db8::2"), out var second, out _));
        Assert.Equal(key, second);
    }

    [Fact]
    public void Stop_Newcomers_AreRefusedAndCounted()
    {
        _gate.TryAdmit(IPAddress.Loopback, out _, out var held);
        _gate.Stop();

        Assert.Equal(Refusal.Stopping, _gate.TryAdmit(IPAddress.Parse("192.0.2.1"), out _, out var lease));
        Assert.False(lease.IsHeld);
        held.Dispose();
        Assert.Equal((0, 1L), (_books.Ledger.Totals().Live, _books.Ledger.Totals().RefusedStopping));
    }

    [Fact]
    public void ChangeLimits_Lower_TellsWhoIsOverAndCutsNobody()
    {
        _gate.ChangeLimits(new LimitChange(null, 2, null));
        _gate.TryAdmit(IPAddress.Loopback, out _, out _);
        _gate.TryAdmit(IPAddress.Loopback, out _, out _);

        var (change, live, over) = _gate.ChangeLimits(new LimitChange(null, 1, ExpectedRevision: 2));

        Assert.False(change.Stale);
        Assert.Equal((2, 1), (live, over));
    }

    [Fact]
    public void TryAdmit_AfterWarmUp_AllocatesNothing()
    {
        var address = IPAddress.Parse("2001:db8::1");
        Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Round()
        {
            for (var i = 0; i < 100; i++)
            {
                _gate.TryAdmit(address, out _, out var lease);
                _gate.TryAdmit(address, out _, out _);
                lease.Dispose();
            }
        }
    }
}
