using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Memory;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Federation;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

/// <summary>Sessions whose loops do not run: for whoever chooses among them or closes them.</summary>
internal sealed class QuietSessions : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly PeriodicWork _ticking;
    private readonly ConnectionTable _connections;
    private readonly SessionServices _services;
    private long _lastId;

    public QuietSessions()
    {
        var closing = new ClosingConnections(Time);
        _ticking = Ticking.Start(Time, ClosingConnections.Interval, closing.Sweep);
        _connections = new ConnectionTable(closing, MemoryBudget.Unlimited);
        _services = new SessionServices(Options, new SessionTable(), _metrics, Time, NullLogger<Session>.Instance);
    }

    public FakeTimeProvider Time { get; } = new();

    public ClientSessionOptions Options { get; } = new();

    public ISessionHandler Handler { get; } = SilentHandler.Instance;

    public Session Open(IpKey key)
    {
        var connection = new FakePeerSocket(_connections);
        return new Session(++_lastId, key, key, connection, Handler, _services);
    }

    public void Dispose()
    {
        _ticking.Dispose();
        _metrics.Dispose();
    }
}
