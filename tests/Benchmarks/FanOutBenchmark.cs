using System.Text;
using BenchmarkDotNet.Attributes;
using Microsoft.Extensions.Logging.Abstractions;
using Relay.Channels;
using Relay.Clients;
using Relay.Memory;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Benchmarks;

/// <summary>
/// What does one stream frame of 4 KB cost from its last byte read until it was written to every subscriber, sockets
/// aside? Target: bytes allocated do not grow with the subscribers.
/// </summary>
[MemoryDiagnoser]
[ShortRunJob]
public class FanOutBenchmark : ISessionHandler, IDisposable
{
    private readonly byte[] _frame = Encoding.UTF8.GetBytes(
        $$"""{"type":"stream-frame","streamId":"3f0e8c1a-live","channelId":"news","frame":"{{new string('A', 4096)}}"}""");

    private readonly RelayMetrics _metrics = new();
    private StreamHandler _streams = null!;
    private Client _owner = null!;

    [Params(1, 200)]
    public int Subscribers { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var directory = new ChannelDirectory(TimeProvider.System);
        var streams = new StreamTable(directory);
        var upstream = new UpstreamQueue(directory, new ChannelOptions(), new ClientSessionOptions(), MemoryBudget.Unlimited, TimeProvider.System);
        var table = new ChannelTable(directory, streams, upstream, new ChannelOptions());
        var sessions = new SessionTable();
        var services = new SessionServices(new ClientSessionOptions(), sessions, _metrics, TimeProvider.System, NullLogger<Session>.Instance);
        var connections = new ConnectionTable(new ClosingConnections(TimeProvider.System), MemoryBudget.Unlimited);
        _streams = new StreamHandler(streams, new ChannelAnnouncer(directory, new ChannelBus(new Relay.Cluster.ClusterOptions(), null!, null!, null!)));
        _owner = Connect();
        table.Own(_owner, "news");
        streams.TryStart(_owner, "news", new LiveStream("live", null), out _, out _);
        for (var i = 0; i < Subscribers; i++)
        {
            var subscriber = Connect();
            table.Subscribe(subscriber, "news");
            streams.TryJoin(subscriber, "news", null, out var live);
            streams.TryJoin(subscriber, "news", live, out _);
        }

        Client Connect()
        {
            var connection = new SilentConnection(connections);
            var session = new Session(sessions.NextId(), default, default, connection, this, services);
            ((IConnectionHandler)session).OnOpened();
            return new Client(session);
        }
    }

    [Benchmark]
    public void Frame()
    {
        if (!ClientMessage.TryParse(_frame, ClientMessages.Fields, out var message))
        {
            throw new InvalidOperationException("the benchmark's message is broken");
        }

        using (message)
        {
            ClientMessages.Check(message, out _);
            _streams.Frame(_owner, message, receivedAt: 1);
        }

        while (_metrics.Queued > 0)
        {
            Thread.Yield();
        }
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _metrics.Dispose();
        GC.SuppressFinalize(this);
    }

    void ISessionHandler.OnOpened(Session session)
    {
    }

    ValueTask ISessionHandler.OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt) => ValueTask.CompletedTask;

    void ISessionHandler.OnClosed(Session session)
    {
    }

    /// <summary>Says nothing, and reads whatever it is sent.</summary>
    private sealed class SilentConnection(ConnectionTable table) : Connection(table)
    {
        public override CancellationToken Closed => CancellationToken.None;

        protected override bool IsSocketClosed => false;

        public override bool Send(ReadOnlyMemory<byte> bytes) => true;

        public override void Close()
        {
        }

        public override void Abort()
        {
        }
    }
}
