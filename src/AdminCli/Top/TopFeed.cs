using System.Threading.Channels;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminCli.Commands;

namespace Relay.AdminCli.Top;

/// <summary>What comes from the relay, as events: snapshots as it sends them, lists of addresses as they are asked for.</summary>
internal sealed class TopFeed(AdminCall call, ChannelWriter<TopEvent> events, CancellationToken stop)
{
    /// <summary>Until the stream ends, which is an event as well.</summary>
    public async Task ReadStatsAsync(AsyncServerStreamingCall<Stats> stream, TimeSpan interval)
    {
        TopEvent ended;
        try
        {
            do
            {
                await events.WriteAsync(new TopEvent.Snapshot(stream.ResponseStream.Current), stop);
            }
            while (await StatsWatch.NextAsync(call, stream, interval + call.Connection.Timeout));

            ended = new TopEvent.Ended(null);
        }
        catch (Exception e)
        {
            // Rethrown where the screen is left.
            ended = new TopEvent.Ended(e);
        }

        await TellAsync(ended);
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

    public async Task ActAsync(TopWish wish) => await TellAsync(new TopEvent.Done(await TopActions.RunAsync(call, wish)));

    private async Task TellAsync(TopEvent happened)
    {
        try
        {
            await events.WriteAsync(happened, stop);
        }
        catch (OperationCanceledException)
        {
            // The screen is left, nobody is there to tell.
        }
    }
}
