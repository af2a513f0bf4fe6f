using System.CommandLine;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>
/// Snapshots as they come. A watch survives a restart: a relay that was lost is called again until it answers,
/// unless the watch is to end with it. A relay that never answered is not waited for.
/// </summary>
internal sealed class StatsFeed(AdminCall call, TimeSpan interval, bool exitOnLoss) : IDisposable
{
    private static readonly TimeSpan BetweenCalls = TimeSpan.FromSeconds(1);

    private AsyncServerStreamingCall<Stats>? _stream;
    private long? _lostSince;

    /// <summary>A snapshot; or null, while the relay has been gone for <paramref name="Lost"/>.</summary>
    internal readonly record struct Update(Stats? Stats, TimeSpan Lost);

    public TimeSpan Interval => interval;

    public bool HasAnswered { get; private set; }

    public static Option<bool> ExitOnLoss() => new("--exit-on-loss")
    {
        Description = "Exit when the relay stops (exit code 1) or the connection is lost (3), instead of reconnecting.",
    };

    public async Task<Update> NextAsync()
    {
        try
        {
            if (_lostSince is not null)
            {
                await Task.Delay(BetweenCalls, call.Context.Clock, call.Cancel);
            }

            var patience = call.Connection.Timeout + (_stream is null ? TimeSpan.Zero : interval);
            _stream ??= call.Connection.Admin.WatchStats(new WatchStatsRequest { Interval = interval.ToDuration() }, cancellationToken: call.Cancel);
            if (!await call.SoonAsync(_stream.ResponseStream.MoveNext(call.Cancel), patience))
            {
                throw new RpcException(new Status(StatusCode.Unavailable, "it is stopping"));
            }

            _lostSince = null;
            HasAnswered = true;
            return new Update(_stream.ResponseStream.Current, TimeSpan.Zero);
        }
        catch (RpcException e) when (HasAnswered && !exitOnLoss && (call.IsLoss(e) || e.StatusCode is StatusCode.Unavailable or StatusCode.DeadlineExceeded))
        {
            Dispose();
            _lostSince ??= call.Context.Clock.GetTimestamp();
            return new Update(null, call.Context.Clock.GetElapsedTime(_lostSince.Value));
        }
    }

    public void Dispose()
    {
        _stream?.Dispose();
        _stream = null;
    }
}
