using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The peers that offer to relay.</summary>
internal static class RelaysCommand
{
    private static readonly Dictionary<string, ListRelaysRequest.Types.Sort> Sorts = new()
    {
        ["load"] = ListRelaysRequest.Types.Sort.Load,
        ["connected"] = ListRelaysRequest.Types.Sort.Connected,
        ["recent"] = ListRelaysRequest.Types.Sort.Recent,
    };

    private static readonly Dictionary<string, Action<ListRelaysRequest>?> States = new()
    {
        ["offered"] = static request => request.Offered = true,
        ["busy"] = static request => request.Offered = false,
    };

    private static readonly Column[] Columns =
    [
        new("PEER"), new("ADDRESS"), new("CONNECTED", ToTheRight: true), new("CAPACITY", ToTheRight: true), new("LOAD", ToTheRight: true),
        new("STATE"), new("REGISTERED"), new("LAST SEEN"),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListRelaysResponse, ListedRelay>(
            "relays", static response => (response.Relays, response.NextPageToken, response.TotalSize), Columns, Row);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "load: fullest first (the default); connected: most connected first; recent: seen last first.";
        var state = ArgumentParsers.Choice("--state", States);
        state.Description = "Only relays that are offered to others, or only those too busy to be.";
        var prefix = new Option<string?>("--prefix") { Description = "Only peer ids that begin so, case-sensitive.", HelpName = "text" };
        var cidr = new Option<string?>("--cidr")
        {
            Description = "Only relays that connect from inside this network, such as 203.0.113.0/24; a bare address is that address alone.",
            HelpName = "network",
        };
        var command = new ExampleCommand(
            "relays",
            "Lists the peers that offer to relay.",
            "The client sockets registered with a peer id. Connected and capacity are what the relay says of itself; one that is too full is busy and offered to nobody. "
                + "With -o json: one object {\"relays\":[...],\"totalSize\":\"N\"}, N being how many match in all.",
            "relayctl relays                                # the 20 fullest",
            "relayctl relays --state offered --all          # everyone that is offered",
            "relayctl relays --cidr 203.0.113.0/24 --sort recent",
            "relayctl relays --all -o json | jq -r '.relays[].peerId'")
        {
            list.Top,
            list.All,
            sort,
            state,
            prefix,
            cidr,
        };
        command.Validators.Add(list.Check);
        return command.WithAction(globals, context, call =>
        {
            var request = new ListRelaysRequest
            {
                Sort = call.Options.GetValue(sort),
                Prefix = call.Options.GetValue(prefix) ?? "",
                Cidr = call.Options.GetValue(cidr) ?? "",
            };
            call.Options.GetValue(state)?.Invoke(request);
            var none = request.Prefix.Length == 0 && request.Cidr.Length == 0 && !request.HasOffered ? "No relays registered." : "No relay matches.";
            return list.ShowAsync(call, none, (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Admin.ListRelaysAsync(request, call.Unary);
            });
        });
    }

    internal static string[] Row(ListedRelay relay, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(relay.PeerId),
        Printable.CleanOrUnknown(relay.Key),
        Units.Number(relay.Connected),
        Units.Number(relay.Capacity),
        Units.Share(relay.Connected, relay.Capacity),
        relay.Offered ? "offered" : "busy",
        Units.Ago(relay.RegisteredAt, now),
        Units.Ago(relay.LastSeen, now),
    ];
}
