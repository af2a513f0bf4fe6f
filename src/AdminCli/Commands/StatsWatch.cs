using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Configuration;

namespace Relay.AdminCli.Commands;

/// <summary>`stats --watch`: on a terminal, into a pipe, or as JSON lines.</summary>
internal static class StatsWatch
{
    public static Task<int> RunAsync(AdminCall call, TimeSpan interval) => FollowAsync(call, interval, stream =>
        call.Output.IsJson || !call.Context.Terminal.Redraws ? PrintAsync(call, stream, interval) : DrawAsync(call, stream, interval));

    /// <summary>Runs what lives on a stream of snapshots, of which the first has come, and says how the stream ended.</summary>
    public static async Task<int> FollowAsync(AdminCall call, TimeSpan interval, Func<AsyncServerStreamingCall<Stats>, Task<int>> run)
    {
        var request = new WatchStatsRequest { Interval = interval.ToDuration() };
        using var stream = call.Connection.Admin.WatchStats(request, cancellationToken: call.Cancel);
        var shown = false;
        try
        {
            // The first snapshot is waited for before the screen is taken: a relay that is not there needs none.
            if (!await NextAsync(call, stream, call.Connection.Timeout))
            {
                return Stopped(call);
            }

            shown = true;
            return await run(stream);
        }
        catch (Exception e) when (shown && call.IsLoss(e))
        {
            return call.Lost();
        }
        catch (Exception e) when (call.IsInterrupt(e))
        {
            return ExitCodes.Ok;
        }
    }

    private static async Task<int> PrintAsync(AdminCall call, AsyncServerStreamingCall<Stats> stream, TimeSpan interval)
    {
        Stats? before = null;
        do
        {
            var stats = stream.ResponseStream.Current;
            if (call.Output.IsJson)
            {
                call.Output.JsonLine(stats);
            }
            else
            {
                call.Output.Line(StatsLine.Format(stats, StatsRates.Between(before, stats)));
            }

            call.Output.Flush();
            before = stats;
        }
        while (await NextAsync(call, stream, interval + call.Connection.Timeout));

        return Stopped(call);
    }

    private static async Task<int> DrawAsync(AdminCall call, AsyncServerStreamingCall<Stats> stream, TimeSpan interval)
    {
        using (var screen = new WatchScreen(call.Writer, call.Context.Terminal))
        {
            Stats? before = null;
            do
            {
                var stats = stream.ResponseStream.Current;
                var title = $"{call.Connection.Address}   every {Durations.Format(interval)}   {Units.Time(stats.Time)}   Ctrl-C ends\n";
                screen.Draw(title + call.Output.Render(StatsView.Rows(stats, StatsRates.Between(before, stats))));
                before = stats;
            }
            while (await NextAsync(call, stream, interval + call.Connection.Timeout));
        }

        return Stopped(call);
    }

    /// <summary>False where the relay has ended the stream; an exception where nothing comes for so long.</summary>
    public static Task<bool> NextAsync(AdminCall call, AsyncServerStreamingCall<Stats> stream, TimeSpan patience) =>
        call.SoonAsync(stream.ResponseStream.MoveNext(call.Cancel), patience);

    public static int Stopped(AdminCall call)
    {
        call.Error.WriteLine("The relay ended the watch: it is stopping.");
        return ExitCodes.Refused;
    }
}
