using System.Text.Json.Nodes;
using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>One screen for a script: plain text or JSON, with the rates of one interval.</summary>
internal static class TopOnce
{
    // What a pipe gets: the size of screen that everything here is made to fit.
    private const int PipeColumns = 80;
    private const int PipeRows = 24;
    private const string RefusedPerSecond = "refusedPerSecond";

    public static async Task<int> RunAsync(AdminCall call, StatsFeed feed, Stats first, TopView view, bool ascii)
    {
        var (columns, rows) = call.Context.Terminal.Redraws ? call.Context.Terminal.Size() : (PipeColumns, PipeRows);
        var started = call.Context.Clock.GetTimestamp();
        var state = new TopState(Printable.Clean($"{call.Connection.Address}"), view).With(first);
        var fits = TopScreen.RowsThatFit(state, columns, rows);
        state = state.With(view, await call.Connection.Admin.ListIpsAsync(view.Request(fits), call.Unary), TimeSpan.Zero);
        var second = (await feed.NextAsync()).Stats!;
        var listed = await call.Connection.Admin.ListIpsAsync(view.Request(fits), call.Unary);
        state = state.With(second).With(view, listed, call.Context.Clock.GetElapsedTime(started));
        var answer = AsJson(state);
        call.Output.List(answer, answer["ips"]!.AsArray(), [.. MessageJson.Columns(IpEntry.Descriptor), RefusedPerSecond], () =>
        {
            foreach (var line in TopScreen.Body(state with { Marked = "" }, columns, rows, ascii))
            {
                call.Output.Line(line.Paint(columns, colour: false).TrimEnd());
            }
        });
        return ExitCodes.Ok;
    }

    // A rate that is not known is null; one that a script divides by must not look like 0.
    private static JsonObject AsJson(TopState state)
    {
        var rates = StatsRates.Between(state.Before, state.Stats);
        return new JsonObject
        {
            ["stats"] = MessageJson.Of(state.Stats),
            ["rates"] = new JsonObject
            {
                ["admitted"] = rates.Admitted,
                ["refused"] = rates.Refused,
                ["messagesReceived"] = rates.MessagesIn,
                ["messagesSent"] = rates.MessagesOut,
                ["bytesReceived"] = rates.BytesIn,
                ["bytesSent"] = rates.BytesOut,
            },
            ["ips"] = new JsonArray([.. state.Rows.Select(row =>
            {
                var node = MessageJson.Of(row.Entry);
                node[RefusedPerSecond] = row.RefusedPerSecond;
                return node;
            })]),
            ["totalSize"] = state.TotalRows,
        };
    }
}
