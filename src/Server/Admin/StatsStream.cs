using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.Admin;

/// <summary>The whole relay's statistics, once or at an interval.</summary>
internal sealed class StatsStream(ServerSnapshot snapshot, ClusterSnapshot cluster, StreamingCalls calls, TimeProvider time)
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MinClusterInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);

    /// <summary>Of this relay, or of all nodes of its cluster.</summary>
    public async Task<Stats> ReadAsync(bool ofCluster, ServerCallContext context) => ofCluster ? await cluster.ReadAsync(context) : snapshot.Read();

    public async Task WatchAsync(WatchStatsRequest request, IServerStreamWriter<Stats> stream, ServerCallContext context)
    {
        var given = request.Interval ?? Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        var interval = TimeSpan.FromSeconds(Math.Clamp(given.Seconds, -1, 1_000_000) + (given.Nanos / 1e9));
        var min = request.Cluster ? MinClusterInterval : MinInterval;
        if (interval < min || interval > MaxInterval || given.Nanos is < 0 or > 999_999_999)
        {
            throw AdminErrors.Invalid(("interval", $"{given.Seconds} s and {given.Nanos} ns is not in {min.TotalSeconds:0.#} s to 1 h"));
        }

        using var timer = new PeriodicTimer(interval, time);
        await calls.RunAsync(context, async (waits, writes) =>
        {
            do
            {
                await stream.WriteAsync(await ReadAsync(request.Cluster, context), writes);
            }
            while (await timer.WaitForNextTickAsync(waits));
        });
    }
}
