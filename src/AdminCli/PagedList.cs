using System.CommandLine;
using System.CommandLine.Parsing;
using Google.Protobuf;
using Google.Protobuf.Collections;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>A list that the relay hands out page by page: the options that say how much of it, and how it is fetched and shown.</summary>
/// <param name="field">Number of the field with the rows.</param>
internal sealed class PagedList<TResponse, TRow>(
    string noun,
    int field,
    Func<TResponse, (RepeatedField<TRow> Rows, string NextToken, long TotalSize)> parts,
    IReadOnlyList<Column> columns,
    Func<TRow, DateTimeOffset, string[]> cells,
    Action<AdminCall, TResponse>? tidy = null)
    where TResponse : class, IMessage<TResponse>, new()
{
    private const int DefaultTop = 20;
    private const int MaxTop = 1_000_000;
    private const int LargestPage = 1000;

    public Option<int?> Top { get; } = new("--top", "-n")
    {
        Description = "Number of rows, 1 to 1,000,000; 0: all (default 20).",
        HelpName = "rows",
        CustomParser = ArgumentParsers.Whole<int>("--top", 0, MaxTop),
    };

    public Option<bool> All { get; } = new("--all", "-a") { Description = "All rows, the same as --top 0." };

    /// <summary>A validator of the command.</summary>
    public void Check(CommandResult result)
    {
        if (result.GetValue(All) && result.GetValue(Top) is > 0)
        {
            result.AddError("--all and --top cannot be combined.");
        }
    }

    /// <summary>Fetches as many pages as it takes and shows them; <paramref name="none"/> is said where no row matches.</summary>
    public Task<int> ShowAsync(AdminCall call, string none, Func<int, string, AsyncUnaryCall<TResponse>> fetch) => ShowAsync(call, noun, none, fetch);

    /// <summary>The same for rows that are <paramref name="what"/> this time.</summary>
    public async Task<int> ShowAsync(AdminCall call, string what, string none, Func<int, string, AsyncUnaryCall<TResponse>> fetch)
    {
        var top = call.Options.GetValue(All) ? 0 : call.Options.GetValue(Top) ?? DefaultTop;
        var listed = await FetchAsync(top == 0 ? int.MaxValue : top, fetch);
        tidy?.Invoke(call, listed);
        var (rows, _, totalSize) = parts(listed);
        call.Output.List(listed, [field], () =>
        {
            if (rows.Count == 0)
            {
                call.Output.Line(none);
            }
            else
            {
                var now = call.Context.Clock.GetUtcNow();
                call.Output.Table(columns, [.. rows.Select(row => cells(row, now))]);
            }
        });

        if (totalSize > rows.Count && top > 0)
        {
            // Not on the output: a program that counts lines must not count this one.
            call.Error.WriteLine($"{Units.Count(rows.Count)} of {Units.Count(totalSize)} {what}; --all shows all.");
        }

        return ExitCodes.Ok;
    }

    private async Task<TResponse> FetchAsync(int wanted, Func<int, string, AsyncUnaryCall<TResponse>> fetch)
    {
        var listed = new TResponse();
        var token = "";
        var count = 0;
        do
        {
            var page = await fetch(Math.Min(wanted - count, LargestPage), token);
            // Appends the rows; the total is the newest page's.
            listed.MergeFrom(page);
            token = parts(page).NextToken;
            count = parts(listed).Rows.Count;
        }
        while (token.Length > 0 && count < wanted);

        return listed;
    }
}
