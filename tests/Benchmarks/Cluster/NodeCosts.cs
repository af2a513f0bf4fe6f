using System.Globalization;
using NATS.Client.Core;
using Relay.Addresses;
using Relay.Admission;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Benchmarks.Cluster;

/// <summary>
/// What nodes cost each other, from the messages of almost as many as there may be: they are pretended, and sent faster than real ones would, since the
/// system counts processor time in hundredths of a second.
/// </summary>
internal sealed class NodeCosts(NatsConnection nats, ClusterUnderLoad cluster)
{
    private const int Pretended = 990;
    private const int KeysPerMessage = 20;

    // Of each kind and node.
    private const int PerSecond = 5;

    private readonly ulong[] _sequences = new ulong[Pretended];
    private readonly ulong[] _countsSequences = new ulong[Pretended];
    private readonly ulong _firstEpoch = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000;
    private int _turn;

    private enum Load
    {
        Heartbeats,
        EmptyCounts,
        Counts,
    }

    public static async Task MeasureAsync(ClusterUnderLoad cluster, TimeSpan length)
    {
        Console.WriteLine($"\nbytes of a heartbeat {Heartbeat().CalculateSize()}");
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"bytes per counted key: IPv4 {BytesPerKey(IpKey.TryFrom(0, 0x7f000001, 32, out var v4) ? v4 : default):0.0}, IPv6 /64 {BytesPerKey(IpKey.TryFrom(0x20010db800000000, 0, 127 + 64, out var v6) ? v6 : default):0.0}"));
        await using var nats = new NatsConnection(new NatsOpts { Url = cluster.NatsUrl });
        await nats.ConnectAsync();
        var costs = new NodeCosts(nats, cluster);
        await Task.Delay(TimeSpan.FromSeconds(4));
        var idle = await costs.RunAsync(length * 2, null);
        await costs.RunAsync(TimeSpan.FromSeconds(2), Load.Heartbeats);
        var heartbeats = await costs.RunAsync(length * 2, Load.Heartbeats);
        await costs.RunAsync(TimeSpan.FromSeconds(1), Load.Counts);
        var counts = await costs.RunAsync(length * 2, Load.Counts);
        var empty = await costs.RunAsync(length * 2, Load.EmptyCounts);
        Console.WriteLine("CPU µs                                       relay        NATS");
        Print("of a second of a node, with one other", idle);
        Print("of a relay and of NATS per heartbeat heard", Minus(heartbeats, idle, Pretended * PerSecond));
        Print("of the same per message of counts heard", Minus(empty, heartbeats, Pretended * PerSecond));
        Print("of the same per counted key heard", Minus(counts, empty, Pretended * PerSecond * KeysPerMessage));
    }

    // Microseconds per second of one relay, and of NATS for each relay.
    private async Task<(double Relay, double Nats)> RunAsync(TimeSpan length, Load? load)
    {
        var before = Read();
        var start = TimeProvider.System.GetTimestamp();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1.0 / PerSecond));
        while (TimeProvider.System.GetElapsedTime(start) < length)
        {
            await timer.WaitForNextTickAsync();
            if (load is { } kind)
            {
                await SendAsync(kind);
            }
        }

        var seconds = TimeProvider.System.GetElapsedTime(start).TotalSeconds * cluster.Nodes.Length / 1e6;
        var after = Read();
        return ((after.Relays - before.Relays) / seconds, (after.Nats - before.Nats) / seconds);
    }

    private (double Relays, double Nats) Read() => (cluster.Nodes.Sum(node => node.CpuSeconds), cluster.NatsCpuSeconds);

    private async Task SendAsync(Load load)
    {
        _turn++;
        for (var node = 0; node < Pretended; node++)
        {
            await PublishAsync("heartbeat", node, Heartbeat());
            if (load != Load.Heartbeats)
            {
                await PublishAsync("counts", node, Counts(++_countsSequences[node], load == Load.Counts ? KeysPerMessage : 0, node));
            }
        }
    }

    private async Task PublishAsync(string matter, int node, Envelope message)
    {
        (message.Version, message.Node, message.Epoch, message.Sequence) = (ClusterNode.Version, $"relay{node:000}", _firstEpoch + (ulong)node, ++_sequences[node]);
        await nats.PublishAsync($"relay.relay.all.{matter}", message, serializer: EnvelopeSerializer.Instance);
    }

    private static Envelope Heartbeat() => new()
    {
        Version = ClusterNode.Version,
        Node = "relay000",
        Epoch = 1,
        Sequence = 1,
        Heartbeat = new Heartbeat
        {
            ProductVersion = "0.2.0",
            State = "ready",
            Clients = 10_000,
            TotalLimit = 10_000,
            PolicyRevision = 100,
            SentAt = (long)(DateTimeOffset.UtcNow - DateTimeOffset.UnixEpoch).TotalMicroseconds,
            RefusedTotal = 1000,
            Database = "up",
        },
    };

    // Each time other numbers of the same addresses of that node.
    private Envelope Counts(ulong sequence, int keys, int node)
    {
        var counts = new Counts { Sequence = sequence, Total = 10_000 };
        for (var i = 0; i < keys; i++)
        {
            CountsCodec.Add(counts, IpKey.TryFrom(0, 0x0a000000 + (ulong)((node * KeysPerMessage) + i), 32, out var key) ? key : default, 1 + (_turn % 2));
        }

        return new Envelope { Version = ClusterNode.Version, Node = "relay000", Epoch = 1, Sequence = 1, Counts = counts };
    }

    private static double BytesPerKey(IpKey key)
    {
        var counts = new Counts();
        for (var i = 0; i < CountsCodec.MaxKeys; i++)
        {
            CountsCodec.Add(counts, key, 1);
        }

        return counts.CalculateSize() / (double)CountsCodec.MaxKeys;
    }

    private static (double Relay, double Nats) Minus((double Relay, double Nats) whole, (double Relay, double Nats) part, double count) =>
        ((whole.Relay - part.Relay) / count, (whole.Nats - part.Nats) / count);

    private static void Print(string what, (double Relay, double Nats) cost) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what,-42}{cost.Relay,10:0.000}{cost.Nats,12:0.000}"));
}
