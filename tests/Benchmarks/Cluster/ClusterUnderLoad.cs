using System.Globalization;
using Relay.Benchmarks.Net;
using Relay.TestKit;

namespace Relay.Benchmarks.Cluster;

/// <summary>Two relays of one cluster with a NATS and a PostgreSQL server, and a relay that is alone, as processes of their own.</summary>
internal sealed class ClusterUnderLoad : IAsyncDisposable
{
    // What nodes say without being asked is measured apart.
    private static readonly string[] Periodic = ["heartbeat", "counts", "counts_wanted"];

    private readonly HttpClient _http = new();
    private readonly PostgresServer _postgres;
    private readonly NatsServer _nats;

    private ClusterUnderLoad(PostgresServer postgres, NatsServer nats, MeasuredServer alone, MeasuredServer[] nodes) =>
        (_postgres, _nats, Alone, Nodes) = (postgres, nats, alone, nodes);

    public MeasuredServer Alone { get; }

    public MeasuredServer[] Nodes { get; }

    public string NatsUrl => _nats.Url;

    public double NatsCpuSeconds => ProcessTimes.CpuSeconds(_nats.ProcessId);

    public double NatsResidentBytes => ProcessTimes.ResidentMiB(_nats.ProcessId) * 1024 * 1024;

    public static async Task<ClusterUnderLoad> StartAsync()
    {
        string[] pairing = ["--Signaling:PairRequestsPerMinute=1000", "--Signaling:PairRequestsPerMinutePerIp=100000"];
        var postgres = await PostgresServer.StartAsync();
        var nats = await NatsServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        var nodes = new List<MeasuredServer>();
        foreach (var node in new[] { "a", "b" })
        {
            nodes.Add(await MeasuredRelay.StartAsync(
                [.. pairing, $"--Cluster:Nats:0={nats.Url}", $"--Cluster:Node={node}", $"--Storage:Connection={database}"]));
        }

        return new ClusterUnderLoad(postgres, nats, await MeasuredRelay.StartAsync(pairing), [.. nodes]);
    }

    /// <summary>Messages and bytes that the nodes have sent to each other, without those that they send on their own.</summary>
    public async Task<(double Messages, double Bytes)> TrafficAsync()
    {
        var (messages, bytes) = (0.0, 0.0);
        foreach (var node in Nodes)
        {
            var metrics = await _http.GetStringAsync(new Uri($"http://127.0.0.1:{node.Port}/metrics"));
            foreach (var line in metrics.Split('\n').Where(line => line.Contains("direction=\"sent\"", StringComparison.Ordinal) && !Array.Exists(Periodic, kind => line.Contains($"kind=\"{kind}\"", StringComparison.Ordinal))))
            {
                var value = double.Parse(line.AsSpan(line.LastIndexOf(' ') + 1), CultureInfo.InvariantCulture);
                messages += line.StartsWith("relay_cluster_messages_total{", StringComparison.Ordinal) ? value : 0;
                bytes += line.StartsWith("relay_cluster_traffic_bytes_total{", StringComparison.Ordinal) ? value : 0;
            }
        }

        return (messages, bytes);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Alone.DisposeAsync();
        foreach (var node in Nodes)
        {
            await node.DisposeAsync();
        }

        await _nats.DisposeAsync();
        await _postgres.DisposeAsync();
    }
}
