using System.Globalization;

namespace Relay.Benchmarks.Net;

/// <summary>
/// What a client, a handshake and a forwarded message cost the relay, over real sockets, beside a relay of a few lines in
/// Bun. The servers take turns; each figure is the median of its rounds.
/// </summary>
internal static class NetBenchmark
{
    private const int Warm = 500;
    private const int Rate = 500;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(1.5);

    /// <param name="rounds">How often each server is measured.</param>
    /// <param name="idle">Idle clients.</param>
    /// <param name="length">Time for which messages are exchanged.</param>
    /// <param name="bun">The program; where there is none, the relay is measured alone.</param>
    /// <param name="options">More options of relayd.</param>
    public static async Task<int> RunAsync(int rounds, int idle, TimeSpan length, string bun, string[] options)
    {
        List<(string Name, Func<Task<MeasuredServer>> Start)> servers = [("relay", () => MeasuredRelay.StartAsync(options))];
        if (File.Exists(bun))
        {
            servers.Add(("Bun", () => MeasuredBun.StartAsync(bun)));
        }
        else
        {
            Console.WriteLine($"There is no Bun at {bun}: the relay is measured alone.");
        }

        var figures = servers.Select(_ => new Dictionary<string, List<double>>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var i = 0; i < servers.Count; i++)
            {
                // In turn forwards and backwards: whatever the machine does over time, it does to both.
                var at = round % 2 == 0 ? i : servers.Count - 1 - i;
                await MeasureAsync(servers[at].Start, idle, length, (name, value) =>
                {
                    if (!figures[at].TryGetValue(name, out var values))
                    {
                        figures[at][name] = values = [];
                    }

                    values.Add(value);
                });
            }
        }

        Print([.. servers.Select(server => server.Name)], figures);
        return 0;
    }

    private static async Task MeasureAsync(Func<Task<MeasuredServer>> start, int idle, TimeSpan length, Action<string, double> add)
    {
        await using (var server = await start())
        {
            await MeasureIdleAsync(server, idle, add);
        }

        await using (var server = await start())
        {
            await MeasureForwardsAsync(server, 200, length, add);
            await MeasureForwardsAsync(server, 5000, length, add);
            await MeasureRoundTripsAsync(server, length, add);
        }
    }

    // What is paid once is not a client's cost: some have come and gone before.
    private static async Task MeasureIdleAsync(MeasuredServer server, int count, Action<string, double> add)
    {
        await OpenAndCloseAsync(server, Warm);
        var before = server.ResidentBytes;
        using (var load = new LoadGenerator(server.Port))
        {
            load.Open(count, exchanges: false);
            await Task.Delay(Settle);
            add("resident bytes per idle client", (server.ResidentBytes - before) / (double)count);
        }

        await Task.Delay(Settle);
        var cpu = server.CpuSeconds;
        add("handshakes a second, warm", await OpenAndCloseAsync(server, count));
        add("CPU µs per handshake and close, warm", (server.CpuSeconds - cpu) / count * 1e6);
    }

    private static async Task<double> OpenAndCloseAsync(MeasuredServer server, int count)
    {
        double perSecond;
        using (var load = new LoadGenerator(server.Port))
        {
            perSecond = load.Open(count, exchanges: false);
        }

        await Task.Delay(Settle);
        return perSecond;
    }

    private static async Task MeasureForwardsAsync(MeasuredServer server, int count, TimeSpan length, Action<string, double> add)
    {
        using (var load = new LoadGenerator(server.Port))
        {
            load.Open(count, exchanges: true);
            load.ExchangeAtOnce(TimeSpan.FromSeconds(1));
            var cpu = server.CpuSeconds;
            var exchange = load.ExchangeAtOnce(length);
            add($"messages forwarded a second, {count:#,0} clients", exchange.PerSecond);
            add($"CPU µs per forwarded message, {count:#,0} clients", (server.CpuSeconds - cpu) / exchange.Count * 1e6);
        }

        await Task.Delay(Settle);
    }

    private static async Task MeasureRoundTripsAsync(MeasuredServer server, TimeSpan length, Action<string, double> add)
    {
        using (var load = new LoadGenerator(server.Port))
        {
            load.Open(200, exchanges: true);

            // Else the generator's own collections are in the figure.
            GC.Collect();
            var times = load.ExchangeAtRate(length, Rate).RoundTrips;
            add($"µs of a round trip at {Rate} a second, median", times[times.Length / 2]);
            add($"µs of a round trip at {Rate} a second, 99th percentile", times[times.Length * 99 / 100]);
        }

        await Task.Delay(Settle);
    }

    private static void Print(string[] names, Dictionary<string, List<double>>[] figures)
    {
        Console.WriteLine($"{"",-56}{string.Concat(names.Select(name => $"{name,12}"))}{(names.Length > 1 ? "       ratio" : "")}");
        foreach (var figure in figures[0].Keys)
        {
            var medians = figures.Select(server => Median([.. server[figure].Order()])).ToArray();
            var ratio = medians.Length > 1 ? string.Create(CultureInfo.InvariantCulture, $"{medians[0] / medians[1],12:0.00}") : "";
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{figure,-56}{string.Concat(medians.Select(value => value.ToString("#,0.0", CultureInfo.InvariantCulture).PadLeft(12)))}{ratio}"));
        }
    }

    private static double Median(double[] sorted) => (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
}
