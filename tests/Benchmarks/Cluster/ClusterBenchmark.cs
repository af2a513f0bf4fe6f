using Relay.Benchmarks.Net;

namespace Relay.Benchmarks.Cluster;

/// <summary>
/// What a client, a forwarded message and a pairing cost in a cluster of two nodes: by a relay that is alone, between clients of one node, and
/// between clients of two. The three take turns; each figure is the median of its rounds. What nodes cost each other is measured at the end.
/// </summary>
internal static class ClusterBenchmark
{
    private const int Clients = 200;
    private const int Rate = 500;
    private const int Registrations = 4000;
    private const int OneByOne = 200;

    // A name is confirmed a second after it was given.
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2.5);

    // A relay answers /metrics with what it has answered a moment before.
    private static readonly TimeSpan MetricsAge = TimeSpan.FromSeconds(1.1);

    public static async Task<int> RunAsync(int rounds, TimeSpan length)
    {
        await using var cluster = await ClusterUnderLoad.StartAsync();
        var (a, b) = (cluster.Nodes[0], cluster.Nodes[1]);
        (string Name, MeasuredServer[] Servers, int[] Ports)[] places =
        [
            ("alone", [cluster.Alone], [cluster.Alone.Port]),
            ("one node", cluster.Nodes, [a.Port]),
            ("across", cluster.Nodes, [a.Port, b.Port]),
        ];
        var figures = new ClusterFigures([.. places.Select(place => place.Name)]);
        var firstCode = 0;
        for (var round = 0; round < rounds; round++)
        {
            // Forwards and backwards: whatever the machine does over time, it does to all.
            foreach (var (name, servers, ports) in round % 2 == 0 ? places : places.Reverse())
            {
                var measured = new Measured(cluster, servers);
                void Add(string figure, double value) => figures.Add(figure, name, value);
                await MeasureForwardsAsync(measured, new LoadGenerator(ports, firstCode), length, Add);
                await MeasureRegistrationsAsync(measured, new LoadGenerator(ports, firstCode + Clients), isFirst: round == 0, Add);
                firstCode += Clients + Registrations + OneByOne;
            }
        }

        figures.Print();
        await NodeCosts.MeasureAsync(cluster, length);
        return 0;
    }

    private static async Task MeasureForwardsAsync(Measured measured, LoadGenerator generator, TimeSpan length, Action<string, double> add)
    {
        using var load = generator;
        load.Open(Clients, exchanges: true);
        load.ExchangeAtOnce(TimeSpan.FromSeconds(0.5));
        await measured.BeginAsync();
        var exchange = load.ExchangeAtOnce(length);
        add($"forwards a second, {Clients} clients", exchange.PerSecond);
        await measured.EndAsync("forward", exchange.Count, add);

        // What is still on its way is no round trip at that rate. Else the generator's own collections are in the figure.
        load.ExchangeAtRate(TimeSpan.FromSeconds(0.3), perSecond: 1);
        GC.Collect();
        var times = load.ExchangeAtRate(length, Rate).RoundTrips;
        add($"round trip at {Rate} a second, µs, median", times[times.Length / 2]);
        add($"round trip at {Rate} a second, µs, 99th percentile", times[times.Length * 99 / 100]);
    }

    // Memory of the first round only: what was used before is used again.
    private static async Task MeasureRegistrationsAsync(Measured measured, LoadGenerator generator, bool isFirst, Action<string, double> add)
    {
        using var load = generator;
        load.Connect(Registrations + OneByOne, exchanges: false);
        var times = load.Register(0, OneByOne, atOnce: 1);
        add("registration, µs, median", times[times.Length / 2]);
        await Task.Delay(Settle);

        var memory = measured.Memory;
        await measured.BeginAsync();
        load.Register(OneByOne, Registrations, atOnce: 200);
        await Task.Delay(Settle);
        await measured.EndAsync("registration", Registrations, add);
        if (isFirst)
        {
            add("relays: resident bytes per registration", (measured.Memory.Relays - memory.Relays) / Registrations);
            add("NATS: resident bytes per registration", (measured.Memory.Nats - memory.Nats) / Registrations);
        }

        await measured.BeginAsync();
        var pairings = load.Pair();
        add("pairing, µs, median", pairings[pairings.Length / 2]);
        await measured.EndAsync("pairing", pairings.Length, add);
    }

    /// <summary>What some relays and NATS have used between two moments.</summary>
    private sealed class Measured(ClusterUnderLoad cluster, MeasuredServer[] servers)
    {
        private (double Messages, double Bytes) _traffic;
        private (double Relays, double Nats) _cpu;

        public (double Relays, double Nats) Memory => (servers.Sum(server => (double)server.ResidentBytes), cluster.NatsResidentBytes);

        private (double Relays, double Nats) Cpu => (servers.Sum(server => server.CpuSeconds), cluster.NatsCpuSeconds);

        public async Task BeginAsync()
        {
            await Task.Delay(MetricsAge);
            _traffic = await cluster.TrafficAsync();
            _cpu = Cpu;
        }

        public async Task EndAsync(string what, double count, Action<string, double> add)
        {
            var cpu = Cpu;
            await Task.Delay(MetricsAge);
            var traffic = await cluster.TrafficAsync();
            add($"relays: CPU µs per {what}", (cpu.Relays - _cpu.Relays) / count * 1e6);
            add($"NATS: CPU µs per {what}", (cpu.Nats - _cpu.Nats) / count * 1e6);
            add($"messages between nodes per {what}", (traffic.Messages - _traffic.Messages) / count);
            add($"bytes between nodes per {what}", (traffic.Bytes - _traffic.Bytes) / count);
        }
    }
}
