using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Memory;
using Relay.Policy;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Support;

namespace Server.Tests.Listening;

/// <summary>A guard of pending handshakes, and connections that are.</summary>
public abstract class PendingHandshakes : IDisposable
{
    private protected readonly FakeTimeProvider _time = new();
    private protected readonly PublicListenerOptions _options = new() { MaxHandshakes = 40, MaxHandshakesPerIp = 3 };
    private protected readonly LimitPolicyStore _policies;
    private protected readonly AutoBans _bans;
    private readonly RelayMetrics _metrics = new();
    private readonly OverloadMonitor _overload;
    private readonly ClosingConnections _closing;
    private protected readonly ConnectionTable _table;
    private protected readonly HandshakeGuard _guard;
    private readonly PeriodicWork _ticking;
    private protected readonly AdmissionGate _gate;

    private protected PendingHandshakes()
    {
        _policies = new LimitPolicyStore(new AdmissionOptions { PerIp = 2, Overrides = ["203.0.113.50=10", "203.0.113.51=unlimited"] }, _time);
        var networks = new ProtectedNetworks([]);
        _bans = new AutoBans(new AutoBanOptions { Threshold = 2 }, networks, new RelayEvents(_time), _time);
        var (limits, levels) = (new AdmissionOptions(), new OverloadOptions());
        var ledger = new ConnectionLedger(_policies, limits, levels, _time);
        _overload = new OverloadMonitor(ledger, _policies, levels, new RelayEvents(_time), _time, NullLogger<OverloadMonitor>.Instance);
        _gate = new AdmissionGate(ledger, _policies, limits, _bans, networks, _overload, new DecisionLog(_time), _metrics, _time);
        _closing = new ClosingConnections(_time);
        _table = new ConnectionTable(_closing, MemoryBudget.Unlimited);
        _guard = new HandshakeGuard(_options, _policies, _gate, MemoryBudget.Unlimited, _time);
        _ticking = Ticking.Start(_time, HandshakeGuard.Interval, _guard.ResetExpired);
    }

    public void Dispose()
    {
        _ticking.Dispose();
        _metrics.Dispose();
        _policies.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected Link Enter(string address, out Link link)
    {
        _guard.Enter(Connection(out link), IpKey.From(IPAddress.Parse(address)));
        return link;
    }

    private protected Link EnterOfProxy()
    {
        _guard.Enter(Connection(out var link), address: null);
        return link;
    }

    private protected long Cut(string reason) => _guard.Counts().Single(count => count.Key == reason).Value;

    private protected Link Connection(out Link link) => link = new Link(_table);

    /// <summary>A connection that remembers that it was cut.</summary>
    private protected sealed class Link(ConnectionTable table) : FakeConnection(table)
    {
        public override bool Send(ReadOnlyMemory<byte> bytes) => throw new NotSupportedException();
    }
}
