using System.Threading.Channels;
using Grpc.Core;
using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>What comes from the relay, as events: snapshots as it sends them, lists of addresses as they are asked for.</summary>
internal sealed class TopFeed(AdminCall call, ChannelWriter<TopEvent> events, CancellationToken stop)
{
    /// <summary>Until there are no more, which is an event as well.</summary>
    public async Task ReadStatsAsync(StatsFeed feed, Stats first)
    {
        try
        {
            for (var update = new StatsFeed.Update(first, default); ; update = await feed.NextAsync())
            {
                await events.WriteAsync(update.Stats is { } stats ? new TopEvent.Snapshot(stats) : new TopEvent.Disconnected(update.Lost), stop);
            }
        }
        catch (Exception e)
        {
            // Rethrown where the screen is left.
            await TellAsync(new TopEvent.Ended(e));
        }
    }

    /// <summary>Asks for one list. A relay that is gone says so on the other stream.</summary>
    public async Task ListAsync(TopView view, int rows, bool asked)
    {
        TopEvent listed;
        try
        {
            listed = new TopEvent.Listed(view, asked, await call.Connection.Admin.ListIpsAsync(view.Request(rows), call.Unary));
        }
        catch (RpcException e)
        {
            listed = new TopEvent.NotListed(view, TopActions.Refused(call, e));
        }

        await TellAsync(listed);
    }

    public async Task ActAsync(TopEffect effect) => await TellAsync(new TopEvent.Done(await TopActions.RunAsync(call, effect)));

    private async Task TellAsync(TopEvent happened)
    {
        try
        {
            await events.WriteAsync(happened, stop);
        }
        catch (OperationCanceledException)
        {
            // The screen is closed; there is nothing to report to.
        }
    }
}
