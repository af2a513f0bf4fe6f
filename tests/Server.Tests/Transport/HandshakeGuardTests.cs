using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Policy;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Listening;

public sealed class HandshakeGuardTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly PublicListenerOptions _options = new() { MaxHandshakes = 40, MaxHandshakesPerIp = 3 };
    private readonly LimitPolicyStore _policies;
    private readonly AutoBans _bans;
    private readonly RelayMetrics _metrics = new();
    private readonly OverloadMonitor _overload;
    private readonly ClosingConnections _closing;
    private readonly ConnectionTable _table;
    private readonly HandshakeGuard _guard;
    private readonly PeriodicWork _ticking;
    private readonly AdmissionGate _gate;

    public HandshakeGuardTests()
    {
        _policies = new LimitPolicyStore(new AdmissionOptions { PerIp = 2, Overrides = ["203.0.113.50=10", "203.0.113.51=unlimited"] }, _time);
        var networks = new ProtectedNetworks([]);
        _bans = new AutoBans(new AutoBanOptions { Threshold = 2 }, networks, new RelayEvents(_time), _time);
        var (limits, levels) = (new AdmissionOptions(), new OverloadOptions());
        var ledger = new ConnectionLedger(_policies, limits, levels, _time);
        _overload = new OverloadMonitor(ledger, _policies, levels, new RelayEvents(_time), _time, NullLogger<OverloadMonitor>.Instance);
        _gate = new AdmissionGate(ledger, _policies, limits, _bans, networks, _overload, new DecisionLog(_time), _metrics, _time);
        _closing = new ClosingConnections(_time);
        _table = new ConnectionTable(_closing);
        _guard = new HandshakeGuard(_options, _policies, _gate, _time);
        _ticking = Ticking.Start(_time, HandshakeGuard.Interval, _guard.ResetExpired);
    }

    public void Dispose()
    {
        _ticking.Dispose();
        _metrics.Dispose();
        _policies.Dispose();
    }

    [Theory]
    [InlineData("203.0.113.1", 3)]
    [InlineData("203.0.113.50", 10)]
    [InlineData("203.0.113.51", 30)]
    public void TryEnter_OneAddress_HasRoomForSoMany(string address, int most)
    {
        var entered = Enumerable.Range(0, 30).Count(_ => Enter(address, out var _));

        Assert.Equal((most, most, 30L - most), (entered, _guard.Count, Cut("per_ip")));
        Assert.True(Enter("203.0.113.2", out _));
    }

    [Fact]
    public void TryEnter_OneIpv6Network_CountsAsOneAddress() =>
        Assert.Equal(3, Enumerable.Range(0, 9).Count(i => Enter($"2001:db8::{i}", out var _)));

    [Fact]
    public void TryEnter_AProxysConnections_CountOnlyInAll() =>
        Assert.Equal(30, Enumerable.Range(0, 30).Count(_ => _guard.TryEnter(Connection(out var _), address: null)));

    [Fact]
    public void Leave_WholeRequest_MakesRoomOnce()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out _);
        Enter("203.0.113.1", out _);
        first.FinishHandshake();
        first.FinishHandshake();

        Assert.True(Enter("203.0.113.1", out _));
        Assert.False(Enter("203.0.113.1", out _));
        Assert.False(first.IsAborted);
    }

    [Fact]
    public async Task DisposeAsync_ConnectionIsGone_MakesRoom()
    {
        Enter("203.0.113.1", out var first);
        first.CloseSocket();

        Assert.Equal(0, _guard.Count);
    }

    // 20,000 half-open ones leave room for honest clients: whoever comes gets in, whoever has waited longest goes.
    [Fact]
    public void TryEnter_TooManyInAll_TheOneThatWaitedLongestGivesWay()
    {
        var half = Enumerable.Range(0, 20_000).Select(i =>
        {
            var connection = Connection(out var link);
            Assert.True(_guard.TryEnter(connection, IpKey.FromIpv4((uint)(0x0B000000 + i))));
            return link;
        }).ToList();
        Assert.True(Enter("203.0.113.1", out var honest));

        Assert.Equal((40, 20_001 - 40L), (_guard.Count, Cut("total")));
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => i < 20_001 - 40), half.Select(link => link.IsAborted));
        Assert.False(honest.IsAborted);
    }

    [Fact]
    public void Sweep_NoRequestInTime_IsCutAndHeldAgainstItsAddress()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out var second);
        _time.Pass(TimeSpan.FromSeconds(5));
        Enter("203.0.113.2", out var later);
        _time.Pass(_options.HandshakeTimeout - TimeSpan.FromSeconds(5.25));
        Assert.False(first.IsAborted);

        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal((true, true, false), (first.IsAborted, second.IsAborted, later.IsAborted));
        Assert.Equal((1, 2L), (_guard.Count, Cut("timeout")));
        Assert.True(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }

    // A relay that was stopped has read nothing of what came meanwhile.
    [Fact]
    public void Sweep_AfterAStall_LeavesTimeForWhatWaits()
    {
        Enter("203.0.113.1", out var first);
        _time.Pass(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromMinutes(10));
        _time.Pass(SweepClock.Settling + _options.HandshakeTimeout - TimeSpan.FromSeconds(1.5));
        Assert.False(first.IsAborted);

        _time.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((true, 1L), (first.IsAborted, Cut("timeout")));
    }

    // An operator who does not count an address does not want it banned for what it does either.
    [Fact]
    public void Sweep_UnlimitedAddressIsLate_IsCutAndNotBanned()
    {
        Enter("203.0.113.51", out var first);
        Enter("203.0.113.51", out var second);
        _time.Pass(_options.HandshakeTimeout + TimeSpan.FromSeconds(0.5));

        Assert.Equal((true, true), (first.IsAborted, second.IsAborted));
        Assert.False(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.51"))));
    }

    [Fact]
    public void Stop_Unfinished_AreCutAndItIsNotHeldAgainstTheirAddress()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out var second);
        _gate.State.TryStop();
        _time.Advance(TimeSpan.FromSeconds(0.25));

        Assert.Equal((true, true, 0), (first.IsAborted, second.IsAborted, _guard.Count));
        Assert.False(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }

    [Theory]
    [InlineData(1_000_000, 40)]
    [InlineData(100, 25)]
    [InlineData(3, 1)]
    public void FitInto_FewFiles_TakesAQuarterOfThem(int files, int most)
    {
        _guard.FitInto(files);

        Assert.Equal(most, _guard.Max);
    }

    [Fact]
    public void CutOldest_Nobody_DoesNothing()
    {
        _guard.ResetOldest();
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.2", out var second);
        _guard.ResetOldest();

        Assert.Equal((true, false, 1), (first.IsAborted, second.IsAborted, _guard.Count));
    }

    private bool Enter(string address, out Link link) => _guard.TryEnter(Connection(out link), IpKey.From(IPAddress.Parse(address)));

    private long Cut(string reason) => _guard.Counts().Single(count => count.Key == reason).Value;

    private Link Connection(out Link link) => link = new Link(_table);

    /// <summary>A connection that remembers that it was cut.</summary>
    private sealed class Link(ConnectionTable table) : FakeConnection(table)
    {
        public override bool Send(ReadOnlyMemory<byte> bytes) => throw new NotSupportedException();
    }
}
