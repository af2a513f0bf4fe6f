using Relay.AdminApi;
using Relay.Configuration;

namespace Relay.AdminCli.Commands;

/// <summary>`stats --watch`: on a terminal, into a pipe, or as JSON lines.</summary>
internal static class StatsWatch
{
    public static Task<int> RunAsync(AdminCall call, StatsFeed feed) => feed.FollowAsync(first =>
        !call.Output.IsText || !call.Context.Terminal.Redraws ? PrintAsync(call, feed, first) : DrawAsync(call, feed, first));

    private static async Task<int> PrintAsync(AdminCall call, StatsFeed feed, Stats first)
    {
        Stats? before = null;
        for (var update = new StatsFeed.Update(first, default); ; update = await feed.NextAsync())
        {
            if (update.Stats is not { } stats)
            {
                var line = StatsLine.Disconnected(call.Context.Clock.GetUtcNow(), update.Lost);
                // Snapshots only on the output: a program that reads them need not know of this line.
                (call.Output.IsText ? call.Writer : call.Error).WriteLine(line);
                call.Output.Flush();
            }
            else
            {
                var rates = StatsRates.Between(before, stats);
                call.Output.Entry(stats, () => StatsLine.Format(stats, rates));
            }

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
