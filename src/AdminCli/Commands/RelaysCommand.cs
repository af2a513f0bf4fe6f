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
        new("STATE"), new("REGISTERED", ToTheRight: true), new("LAST_SEEN", ToTheRight: true), new("REGISTERED_AT", Wide: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListRelaysResponse, ListedRelay>(
            "relays", ListRelaysResponse.RelaysFieldNumber, static response => (response.Relays, response.NextPageToken, response.TotalSize), Columns, Row);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "load: fullest first (the default); connected: most connected first; recent: most recently seen first.";
        var state = ArgumentParsers.Choice("--state", States);
        state.Description = "Only relays that are offered to clients, or only those without free capacity.";
        var prefix = new Option<string?>("--prefix") { Description = "Only peer ids with this prefix, case-sensitive.", HelpName = "text" };
        var cidr = NetworkArgument.Filter("Only relays that connect from inside this network, such as 203.0.113.0/24, or from one address.");
        var command = new ExampleCommand(
            "relays",
            "Lists peers that offer to relay.",
            "Clients registered with a peer id. CONNECTED and CAPACITY are what the relay reports; one without free capacity is busy and not offered to clients. "
                + "REGISTERED and LAST_SEEN say how long ago. With -o json: one object {\"relays\":[...],\"totalSize\":N}, N being the number of matches.",
            "relayctl relays                                # the 20 fullest",
            "relayctl relays --state offered --all          # all that are offered",
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
        return command.WithWatch(globals, context, call =>
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
        Printable.Word(relay.PeerId),
        Printable.Word(relay.Key),
        Units.PlainNumber(relay.Connected),
        Units.PlainNumber(relay.Capacity),
        Units.Share(relay.Connected, relay.Capacity),
        relay.Offered ? "offered" : "busy",
        Units.Since(relay.RegisteredAt, now),
        Units.Since(relay.LastSeen, now),
        Units.Time(relay.RegisteredAt),
    ];
}
