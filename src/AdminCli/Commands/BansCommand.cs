using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The bans in effect.</summary>
internal static class BansCommand
{
    private static readonly Column[] Columns = [new("NETWORK"), new("EXPIRES"), new("UNTIL", Wide: true), new("SOURCE"), new("REASON")];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListBansResponse, BanEntry>("bans", ListBansResponse.BansFieldNumber, static response => (response.Bans, response.NextPageToken, response.TotalSize), Columns, Row);
        var cidr = NetworkArgument.Filter("Only bans inside this network, or that contain it: with an address, the bans that match it.");
        var command = new ExampleCommand(
            "bans",
            "Lists the bans in effect, operators' and automatic ones.",
            "Those that expire first at the top, with the time left. The relay makes bans of its own only where AutoBan:Threshold is set; those are not kept over a restart.",
            "relayctl bans",
            "relayctl bans --cidr 203.0.113.7    # what bans this address",
            "relayctl bans --all -o json | jq -r '.bans[].network'")
        {
            list.Top,
            list.All,
            cidr,
        };
        command.Validators.Add(list.Check);
        return command.WithWatch(globals, context, call =>
        {
            var request = new ListBansRequest { Cidr = call.Options.GetValue(cidr) ?? "" };
            var none = request.Cidr.Length == 0 ? "No bans." : $"No ban matches {Printable.Clean(request.Cidr)}.";
            return list.ShowAsync(call, none, (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Policy.ListBansAsync(request, call.Unary);
            });
        });
    }

    private static string[] Row(BanEntry ban, DateTimeOffset now) =>
    [
        SubjectArgument.Of(ban),
        ban.Until is { } until ? Units.Left(until, now) : "never",
        Units.Time(ban.Until),
        Printable.CleanOrUnknown(ban.Source),
        Printable.CleanOrUnknown(ban.Reason),
    ];
}
