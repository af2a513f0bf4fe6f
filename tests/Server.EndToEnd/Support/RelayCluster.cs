using Relay.Configuration;
using Relay.TestKit;

namespace Relay.EndToEnd.Support;

/// <summary>Several relays of one cluster in this process, on a NATS server of their own and one PostgreSQL database.</summary>
internal sealed class RelayCluster : IAsyncDisposable
{
    private readonly List<RelayServer> _relays = [];

    private RelayCluster(NatsServer nats, string storage) => (Nats, Storage) = (nats, storage);

    public NatsServer Nats { get; }

    public string Storage { get; }

    public IReadOnlyList<RelayServer> Relays => _relays;

    public RelayServer this[int relay] => _relays[relay];

    /// <summary>Skips the test where there is no NATS or PostgreSQL server.</summary>
    public static async Task<RelayCluster> StartAsync(int relays = 2, Action<RelaySettings>? configure = null, TimeProvider? time = null)
    {
        NatsServer.SkipWhereMissing();
        PostgresServer.SkipWhereMissing();
        var storage = await (await SharedPostgres.GetAsync()).CreateDatabaseAsync();
        var cluster = new RelayCluster(await NatsServer.StartAsync(), storage);
        for (var i = 0; i < relays; i++)
        {
            await cluster.AddAsync($"relay-{i}", configure, time);
        }

        return cluster;
    }

    public async Task<RelayServer> AddAsync(string node, Action<RelaySettings>? configure = null, TimeProvider? time = null)
    {
        var relay = await RelayServer.StartAsync(
            settings =>
            {
                settings.Cluster.Nats = [Nats.Url];
                settings.Cluster.Node = node;
                settings.Storage.Connection = Storage;
                configure?.Invoke(settings);
            },
            time);
        _relays.Add(relay);
        return relay;
    }

    /// <summary>The arguments for a relay of this cluster that is a process of its own.</summary>
    public string[] Arguments(string node) => [$"--Cluster:Nats:0={Nats.Url}", $"--Cluster:Node={node}", $"--Storage:Connection={Storage}"];

    public async ValueTask DisposeAsync()
    {
        foreach (var relay in _relays)
        {
            await relay.DisposeAsync();
        }

        await Nats.DisposeAsync();
    }
}
