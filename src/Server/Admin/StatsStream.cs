using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.Admin;

/// <summary>The whole relay's statistics, once or at an interval.</summary>
internal sealed class StatsStream(ServerSnapshot snapshot, IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);

    public Stats Read() => snapshot.Read();

    public async Task WatchAsync(WatchStatsRequest request, IServerStreamWriter<Stats> stream, ServerCallContext context)
    {
        var given = request.Interval ?? Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        var interval = TimeSpan.FromSeconds(Math.Clamp(given.Seconds, -1, 1_000_000) + (given.Nanos / 1e9));
        if (interval < MinInterval || interval > MaxInterval || given.Nanos is < 0 or > 999_999_999)
        {
            throw AdminErrors.Invalid(("interval", $"{given.Seconds} s and {given.Nanos} ns is not in 0.1 s to 1 h"));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                await stream.WriteAsync(snapshot.Read(), stop.Token);
            }
            while (await timer.WaitForNextTickAsync(stop.Token));
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw AdminErrors.Stopping();
        }
        catch (OperationCanceledException)
        {
            // The caller hung up.
        }
    }
}
