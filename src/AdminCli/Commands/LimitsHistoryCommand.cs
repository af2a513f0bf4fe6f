using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The revisions of the policy.</summary>
internal static class LimitsHistoryCommand
{
    private static readonly Column[] Columns = [new("REVISION", ToTheRight: true), new("WHEN"), new("TIME", Wide: true), new("WHO"), new("CHANGES"), new("REASON")];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListRevisionsResponse, Revision>(
            "revisions", ListRevisionsResponse.RevisionsFieldNumber, static response => (response.Revisions, response.NextPageToken, response.TotalSize), Columns, Row);
        var command = new ExampleCommand(
            "history",
            "Lists the revisions: when, who, what and why.",
            "Newest first; the last 100 are kept, also across restarts. Automatic changes (such as an expired one) are by relayd.",
            "relayctl limits history",
            "relayctl limits history --top 5 -o json | jq '.revisions[].changes'")
        {
            list.Top,
            list.All,
        };
        command.Validators.Add(list.Check);
        return command.WithWatch(globals, context, call => list.ShowAsync(call, "No revisions.", (size, token) =>
            call.Connection.Policy.ListRevisionsAsync(new ListRevisionsRequest { PageSize = size, PageToken = token }, call.Unary)));
    }

    private static string[] Row(Revision revision, DateTimeOffset now) =>
    [
        revision.Revision_.ToString(CultureInfo.InvariantCulture),
        Units.Ago(revision.Time, now),
        Units.Time(revision.Time),
        Printable.CleanOrUnknown(revision.Who),
        PolicyTexts.Changes(revision.Changes),
        Printable.CleanOrUnknown(revision.Reason),
    ];
}
