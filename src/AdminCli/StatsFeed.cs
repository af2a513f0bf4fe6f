using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>Snapshots as they come, also over a restart of the relay.</summary>
internal sealed class StatsFeed(AdminCall call, TimeSpan interval, bool exitOnLoss, bool ofCluster) : IDisposable
{
    // How long the relay waits for a node that does not answer.
    private static readonly TimeSpan NodePatience = TimeSpan.FromSeconds(2);

    private readonly Outage _outage = new(call, exitOnLoss, announces: false);
    private AsyncServerStreamingCall<Stats>? _stream;

    /// <summary>A snapshot; or null, while the relay has been gone for <paramref name="Lost"/>.</summary>
    internal readonly record struct Update(Stats? Stats, TimeSpan Lost);

    public TimeSpan Interval => interval;

    public async Task<Update> NextAsync()
    {
        if (await _outage.TryAsync(ReadAsync))
        {
            return new Update(_stream!.ResponseStream.Current, TimeSpan.Zero);
        }

        Dispose();
        return new Update(null, _outage.Length);
    }

    /// <summary>Runs what lives on snapshots, of which the first has come, and says how they ended.</summary>
    public Task<int> FollowAsync(Func<Stats, Task<int>> run) => _outage.RunAsync(async () =>
    {
        using (this)
        {
            // The first snapshot is waited for before the screen is taken: a relay that is not there needs none.
            return await run((await NextAsync()).Stats!);
        }
    });

    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }

    private async Task ReadAsync()
    {
        var patience = call.Connection.Timeout + (_stream is null ? TimeSpan.Zero : interval) + (ofCluster ? NodePatience : TimeSpan.Zero);
        _stream ??= call.Connection.Admin.WatchStats(new WatchStatsRequest { Interval = interval.ToDuration(), Cluster = ofCluster }, cancellationToken: call.Cancel);
        if (!await call.SoonAsync(_stream.ResponseStream.MoveNext(call.Cancel), patience))
        {
            throw new RpcException(new Status(StatusCode.Unavailable, "it is stopping"));
        }
    }
}
