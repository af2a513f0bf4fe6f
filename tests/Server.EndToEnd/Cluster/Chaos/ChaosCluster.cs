using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Cluster.Chaos;

/// <summary>Three relays as processes, whose connections to NATS can be cut, two NATS servers of one cluster, and PostgreSQL.</summary>
internal sealed class ChaosCluster : IAsyncDisposable
{
    public const int Nodes = 3;

    /// <summary>Clients of one address, in all nodes together.</summary>
    public const int PerIp = 24;

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private const int MaxTries = 3;

    private readonly RelayProcess?[] _relays = new RelayProcess?[Nodes];
    private readonly TcpProxy[][] _roads;
    private readonly string _storage;
    private readonly List<string> _logs = [];
    private volatile int[] _ports = [];

    private ChaosCluster(NatsServer[] nats, PostgresServer postgres, string storage)
    {
        (Nats, Postgres, _storage) = (nats, postgres, storage);
        _roads = [.. Enumerable.Range(0, Nodes).Select(_ => Array.ConvertAll(nats, server => new TcpProxy(server.Port)))];
    }

    public IReadOnlyList<NatsServer> Nats { get; }

    public PostgresServer Postgres { get; }

    /// <summary>Of the relays that take clients now.</summary>
    public IReadOnlyList<int> Ports => _ports;

    /// <summary>What all relays have logged, those too that were killed.</summary>
    public IEnumerable<string> Logs => _logs.Concat(_relays.OfType<RelayProcess>().Select(relay => relay.Output));

    public static async Task<ChaosCluster> StartAsync()
    {
        var postgres = await PostgresServer.StartAsync();
        var cluster = new ChaosCluster(await NatsServer.StartPairAsync(), postgres, await postgres.CreateDatabaseAsync());
        await Task.WhenAll(Enumerable.Range(0, Nodes).Select(cluster.StartAsync));
        await cluster.MeetAsync();
        return cluster;
    }

    public RelayProcess Relay(int node) => _relays[node]!;

    /// <summary>A relay's ways to both NATS servers.</summary>
    public IReadOnlyList<TcpProxy> Roads(int node) => _roads[node];

    /// <summary>Again when it fails, as a supervisor does: a database that has just come back may take longer to answer than a relay waits for it at its start.</summary>
    public async Task StartAsync(int node)
    {
        for (var tries = 1; _relays[node] is null; tries++)
        {
            try
            {
                _relays[node] = await StartOnceAsync(node);
            }
            catch (Exception) when (tries < MaxTries)
            {
                // Why, it has said on standard error.
            }
        }

        ListPorts();
    }

    /// <summary>SIGKILL; clients come to the others from now on.</summary>
    public Task KillAsync(int node) => EndAsync(node, relay => relay.KillAsync());

    /// <summary>SIGTERM; its clients are told to go.</summary>
    public Task StopAsync(int node) => EndAsync(node, async relay =>
    {
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());
    });

    /// <summary>Waits until all relays hear all others.</summary>
    public async Task MeetAsync()
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50));
        using var patience = new CancellationTokenSource(Patience);
        while (!(await Task.WhenAll(Enumerable.Range(0, Nodes).Select(StatsAsync))).All(stats => stats.Cluster is { Away: false, Nodes: Nodes - 1 }))
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }

    public Task<Stats> StatsAsync(int node) => CallAsync(node, (admin, call) => admin.GetStatsAsync(new GetStatsRequest(), call));

    public Task<VerifyResponse> VerifyAsync(int node) => CallAsync(node, (admin, call) => admin.VerifyAsync(new VerifyRequest(), call));

    /// <summary>The connections of an address in all nodes, as this one knows.</summary>
    public async Task<long> CountAsync(int node, string address)
    {
        var request = new ListIpsRequest { Cluster = true, Cidr = address };
        return (await CallAsync(node, (admin, call) => admin.ListIpsAsync(request, call))).Ips.Sum(row => row.Connections);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var relay in _relays.OfType<RelayProcess>())
        {
            await relay.DisposeAsync();
        }

        foreach (var road in _roads.SelectMany(roads => roads))
        {
            await road.DisposeAsync();
        }

        foreach (var server in Nats)
        {
            await server.DisposeAsync();
        }

        await Postgres.DisposeAsync();
    }

    private async Task EndAsync(int node, Func<RelayProcess, Task> end)
    {
        var relay = _relays[node]!;
        _relays[node] = null;
        ListPorts();
        await end(relay);
        _logs.Add(relay.Output);
        await relay.DisposeAsync();
    }

    private Task<RelayProcess> StartOnceAsync(int node) => RelayProcess.StartAsync(
        $"--Cluster:Nats:0=nats://127.0.0.1:{_roads[node][0].Port}",
        $"--Cluster:Nats:1=nats://127.0.0.1:{_roads[node][1].Port}",
        $"--Cluster:Node=node-{node}",
        $"--Storage:Connection={_storage}",
        $"--Admission:PerIp={PerIp}",
        "--Admission:ConnectRatePerIp=off",
        "--Admission:ConnectRateTotal=off",
        "--Admission:OverloadLevel=normal",
        "--Sessions:MessagesPerMinute=1000000");

    private void ListPorts() => _ports = [.. _relays.OfType<RelayProcess>().Where(relay => relay.Port > 0).Select(relay => relay.Port)];

    private async Task<T> CallAsync<T>(int node, Func<AdminService.AdminServiceClient, CallOptions, AsyncUnaryCall<T>> call)
    {
        using var channel = Relay(node).OpenChannel();
        return await call(new AdminService.AdminServiceClient(channel), new CallOptions(deadline: DateTime.UtcNow + Patience));
    }
}
