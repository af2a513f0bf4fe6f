using Relay.AdminApi;
using Relay.Configuration;

namespace Relay.AdminCli.Commands;

/// <summary>`stats --watch`: on a terminal, into a pipe, or as JSON lines.</summary>
internal static class StatsWatch
{
    public static Task<int> RunAsync(AdminCall call, StatsFeed feed) => FollowAsync(call, feed, first =>
        call.Output.IsJson || !call.Context.Terminal.Redraws ? PrintAsync(call, feed, first) : DrawAsync(call, feed, first));

    /// <summary>Runs what lives on snapshots, of which the first has come, and says how they ended.</summary>
    public static async Task<int> FollowAsync(AdminCall call, StatsFeed feed, Func<Stats, Task<int>> run)
    {
        using (feed)
        {
            try
            {
                // The first snapshot is waited for before the screen is taken: a relay that is not there needs none.
                return await run((await feed.NextAsync()).Stats!);
            }
            catch (Exception e) when (feed.HasAnswered && call.IsLoss(e))
            {
                return call.Lost();
            }
            catch (Exception e) when (call.IsInterrupt(e))
            {
                return ExitCodes.Ok;
            }
        }
    }

    private static async Task<int> PrintAsync(AdminCall call, StatsFeed feed, Stats first)
    {
        Stats? before = null;
        for (var update = new StatsFeed.Update(first, default); ; update = await feed.NextAsync())
        {
            if (update.Stats is not { } stats)
            {
                var line = StatsLine.Disconnected(call.Context.Clock.GetUtcNow(), update.Lost);
                // Objects only on the output: a program that reads them need not know of this line.
                (call.Output.IsJson ? call.Error : call.Writer).WriteLine(line);
            }
            else if (call.Output.IsJson)
            {
                call.Output.JsonLine(stats);
            }
            else
            {
                call.Output.Line(StatsLine.Format(stats, StatsRates.Between(before, stats)));
            }

            call.Output.Flush();
            before = update.Stats;
        }
    }

    private static async Task<int> DrawAsync(AdminCall call, StatsFeed feed, Stats first)
    {
        using var screen = new WatchScreen(call.Writer, call.Context.Terminal);
        Stats? before = null;
        var shown = "";
        for (var update = new StatsFeed.Update(first, default); ; update = await feed.NextAsync())
        {
            if (update.Stats is { } stats)
            {
                shown = call.Output.Render(StatsView.Rows(stats, StatsRates.Between(before, stats)));
                screen.Draw($"{call.Connection.Address}   every {Durations.Format(feed.Interval)}   {Units.Time(stats.Time)}   Ctrl-C ends\n{shown}");
            }
            else
            {
                screen.Draw($"{call.Connection.Address}   DISCONNECTED {Units.Duration(update.Lost)}, reconnecting   Ctrl-C ends\n{shown}");
            }

            before = update.Stats;
        }
    }
}
