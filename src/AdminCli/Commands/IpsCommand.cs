using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The addresses that hold connections or were seen lately.</summary>
internal static class IpsCommand
{
    public static readonly IReadOnlyDictionary<string, ListIpsRequest.Types.Sort> Sorts = new Dictionary<string, ListIpsRequest.Types.Sort>
    {
        ["connections"] = ListIpsRequest.Types.Sort.Connections,
        ["refused"] = ListIpsRequest.Types.Sort.Refused,
        ["recent"] = ListIpsRequest.Types.Sort.Recent,
    };

    private static readonly Column[] Columns =
    [
        new("ADDRESS"), new("CONNECTIONS", ToTheRight: true), new("NOT COUNTED", ToTheRight: true, IfAny: true), new("LIMIT", ToTheRight: true), new("PEAK", ToTheRight: true),
        new("ADMITTED", ToTheRight: true), new("REFUSED", ToTheRight: true), new("BY NETWORK LIMIT", ToTheRight: true, IfAny: true), new("SHADOW", ToTheRight: true, IfAny: true), new("FIRST SEEN"), new("LAST SEEN"),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListIpsResponse, IpEntry>(
            "addresses", static response => (response.Ips, response.NextPageToken, response.TotalSize), Columns, Row);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "connections: most live connections first (the default); refused: most refused first; recent: seen last first.";
        var cidr = new Option<string?>("--cidr")
        {
            Description = "Only addresses inside this network, such as 203.0.113.0/24 or 2001:db8::/32; a bare address is that address alone.",
            HelpName = "network",
        };
        var networks = new Option<bool>("--networks")
        {
            Description = "The networks that addresses are counted in as well (IPv4 /24, IPv6 /56 and /48) instead of the addresses.",
        };
        var command = new ExampleCommand(
            "ips",
            "Lists addresses with their connections and refusals.",
            "The addresses (IPv4 whole, IPv6 by prefix) that hold connections or were seen lately. Counts are since the address was first seen; "
                + "one that holds nothing is forgotten after a while. With -o json: one object {\"ips\":[...],\"totalSize\":\"N\"}, N being how many match in all.",
            "relayctl ips                                   # the 20 with most connections",
            "relayctl ips --sort refused --top 5            # who is refused most",
            "relayctl ips --cidr 203.0.113.0/24 --all       # everybody of one network",
            "relayctl ips --networks --sort refused         # abuse that is spread over a network",
            "relayctl ips --all -o json | jq -r '.ips[].key'")
        {
            list.Top,
            list.All,
            sort,
            cidr,
            networks,
        };
        command.Validators.Add(list.Check);
        return command.WithAction(globals, context, call =>
        {
            var request = new ListIpsRequest { Sort = call.Options.GetValue(sort), Cidr = call.Options.GetValue(cidr) ?? "", Networks = call.Options.GetValue(networks) };
            var what = request.Networks ? "networks" : "addresses";
            var none = request.Cidr.Length == 0 ? $"No {what} seen yet." : $"No {what} seen in {Printable.Clean(request.Cidr)}.";
            return list.ShowAsync(call, what, none, (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Admin.ListIpsAsync(request, call.Unary);
            });
        });
    }

    private static string[] Row(IpEntry ip, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(ip.Key),
        Units.Count(ip.Connections),
        ip.Uncounted == 0 ? Units.Unknown : $"+{Units.Count(ip.Uncounted)}",
        ip.Limit == 0 ? Units.Unknown : Units.Count(ip.Limit),
        Units.Count(ip.Peak),
        Units.Count(ip.Admitted),
        Units.Count(ip.Refused),
        ip.RefusedByNetwork == 0 ? Units.Unknown : Units.Count(ip.RefusedByNetwork),
        ip.ShadowRefused == 0 ? Units.Unknown : Units.Count(ip.ShadowRefused),
        Units.Ago(ip.FirstSeen, now),
        Units.Ago(ip.LastSeen, now),
    ];
}
