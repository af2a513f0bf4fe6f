using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The addresses that are connected or were seen recently.</summary>
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
        new("ADDRESS"), new("CONNECTIONS", ToTheRight: true), new("LIMIT", ToTheRight: true), new("PEAK", ToTheRight: true),
        new("ADMITTED", ToTheRight: true), new("REFUSED", ToTheRight: true), new("FIRST_SEEN", ToTheRight: true), new("LAST_SEEN", ToTheRight: true), new("FIRST_SEEN_AT", Wide: true),
        new("NOT_COUNTED", ToTheRight: true, IfAny: true), new("BY_NETWORK_LIMIT", ToTheRight: true, IfAny: true), new("SHADOW", ToTheRight: true, IfAny: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListIpsResponse, IpEntry>(
            "addresses", ListIpsResponse.IpsFieldNumber, static response => (response.Ips, response.NextPageToken, response.TotalSize), Columns, Row, Tidy);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "connections: most connections first (the default); refused: most refused first; recent: most recently seen first.";
        var cidr = NetworkArgument.Filter();
        var networks = new Option<bool>("--networks")
        {
            Description = "Networks (IPv4 /24, IPv6 /56 and /48) instead of addresses.",
        };
        var subjects = new Option<bool>("--subjects")
        {
            Description = "The subjects that clients have authenticated as (options Clients:Auth) instead of addresses.",
        };
        var cluster = ClusterText.Option("Add the connections on other nodes of the cluster, at most a few seconds old; the other columns stay this relay's own.");
        var command = new ExampleCommand(
            "ips",
            "Lists addresses with their connections and refusals.",
            "Addresses (IPv6: prefixes) that are connected or were seen recently. Counts are since the address was first seen; an address without connections is "
                + "forgotten after a while. FIRST_SEEN and LAST_SEEN say how long ago; columns that are only there when they have something to show come last. "
                + "With -o json: one object {\"ips\":[...],\"totalSize\":N,\"missing\":[...]}, N being the number of matches.",
            "relayctl ips                                   # the 20 with most connections",
            "relayctl ips --sort refused --top 5            # addresses refused most",
            "relayctl ips --cidr 203.0.113.0/24 --all       # everyone in one network",
            "relayctl ips --networks --sort refused         # abuse spread over a network",
            "relayctl ips --subjects                        # people instead of addresses",
            "relayctl ips --cluster                         # those with most connections on all nodes together",
            "relayctl ips --all -o json | jq -r '.ips[].key'")
        {
            list.Top,
            list.All,
            sort,
            cidr,
            networks,
            subjects,
            cluster,
        };
        command.Validators.Add(list.Check);
        command.Validators.Add(result =>
        {
            if (result.GetValue(subjects) && (result.GetValue(networks) || result.GetResult(cidr) is not null))
            {
                result.AddError("A subject lies in no network: give neither --networks nor --cidr with --subjects.");
            }
        });
        return command.WithWatch(globals, context, call =>
        {
            var request = new ListIpsRequest
            {
                Sort = call.Options.GetValue(sort),
                Cidr = call.Options.GetValue(cidr) ?? "",
                Networks = call.Options.GetValue(networks),
                Subjects = call.Options.GetValue(subjects),
                Cluster = call.Options.GetValue(cluster),
            };
            var what = request.Subjects ? "subjects" : request.Networks ? "networks" : "addresses";
            var none = request.Cidr.Length == 0 ? $"No {what} seen yet." : $"No {what} seen in {Printable.Clean(request.Cidr)}.";
            return list.ShowAsync(call, what, none, (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Admin.ListIpsAsync(request, call.Unary);
            });
        });
    }

    private static void Tidy(AdminCall call, ListIpsResponse listed)
    {
        var missing = listed.Missing.DistinctBy(node => node.Node).ToArray();
        listed.Missing.Clear();
        listed.Missing.AddRange(missing);
        ClusterText.TellMissing(call, missing);
    }

    private static string[] Row(IpEntry ip, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(ip.Key),
        Units.Plain(ip.Connections),
        PlainOrUnknown(ip.Limit),
        Units.Plain(ip.Peak),
        Units.Plain(ip.Admitted),
        Units.Plain(ip.Refused),
        Units.Since(ip.FirstSeen, now),
        Units.Since(ip.LastSeen, now),
        Units.Time(ip.FirstSeen),
        ip.Uncounted == 0 ? Units.Unknown : $"+{Units.Plain(ip.Uncounted)}",
        PlainOrUnknown(ip.RefusedByNetwork),
        PlainOrUnknown(ip.ShadowRefused),
    ];

    private static string PlainOrUnknown(long value) => value == 0 ? Units.Unknown : Units.Plain(value);
}
