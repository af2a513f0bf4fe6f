using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The addresses that hold connections or were seen lately.</summary>
internal static class IpsCommand
{
    private const int DefaultTop = 20;
    private const int MostTop = 1_000_000;
    private const int LargestPage = 1000;

    private static readonly Dictionary<string, ListIpsRequest.Types.Sort> Sorts = new()
    {
        ["connections"] = ListIpsRequest.Types.Sort.Connections,
        ["refused"] = ListIpsRequest.Types.Sort.Refused,
        ["recent"] = ListIpsRequest.Types.Sort.Recent,
    };

    private static readonly Column[] Columns =
    [
        new("ADDRESS"), new("CONNECTIONS", ToTheRight: true), new("LIMIT", ToTheRight: true), new("PEAK", ToTheRight: true),
        new("ADMITTED", ToTheRight: true), new("REFUSED", ToTheRight: true), new("FIRST SEEN"), new("LAST SEEN"),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var top = new Option<int?>("--top", "-n")
        {
            Description = "How many rows, 1 to 1,000,000; 0: all (default 20).",
            HelpName = "rows",
            CustomParser = ArgumentParsers.Whole<int>("--top", 0, MostTop),
        };
        var all = new Option<bool>("--all", "-a") { Description = "All rows, the same as --top 0." };
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "connections: most live connections first (the default); refused: most refused first; recent: seen last first.";
        var cidr = new Option<string?>("--cidr")
        {
            Description = "Only addresses inside this network, such as 203.0.113.0/24 or 2001:db8::/32; a bare address is that address alone.",
            HelpName = "network",
        };
        var command = new ExampleCommand(
            "ips",
            "Lists addresses with their connections and refusals.",
            "The addresses (IPv4 whole, IPv6 by prefix) that hold connections or were seen lately. Counts are since the address was first seen; "
                + "one that holds nothing is forgotten after a while. With -o json: one object {\"ips\":[...],\"totalSize\":\"N\"}, N being how many match in all.",
            "relayctl ips                                   # the 20 with most connections",
            "relayctl ips --sort refused --top 5            # who is refused most",
            "relayctl ips --cidr 203.0.113.0/24 --all       # everybody of one network",
            "relayctl ips --all -o json | jq -r '.ips[].key'")
        {
            top,
            all,
            sort,
            cidr,
        };
        command.Validators.Add(result =>
        {
            if (result.GetValue(all) && result.GetValue(top) is > 0)
            {
                result.AddError("--all and --top contradict each other: give one of them.");
            }
        });
        return command.WithAction(globals, context, call =>
        {
            var rows = call.Options.GetValue(all) ? 0 : call.Options.GetValue(top) ?? DefaultTop;
            return ListAsync(call, rows, new ListIpsRequest { Sort = call.Options.GetValue(sort), Cidr = call.Options.GetValue(cidr) ?? "" });
        });
    }

    private static async Task<int> ListAsync(AdminCall call, int top, ListIpsRequest request)
    {
        var listed = await FetchAsync(call, top == 0 ? int.MaxValue : top, request);
        if (call.Output.IsJson)
        {
            call.Output.JsonWithout(listed, "nextPageToken");
        }
        else if (listed.Ips.Count == 0)
        {
            call.Output.Line(request.Cidr.Length == 0 ? "No addresses seen yet." : $"No addresses seen in {Printable.Clean(request.Cidr)}.");
        }
        else
        {
            var now = call.Context.Clock.GetUtcNow();
            call.Output.Table(Columns, [.. listed.Ips.Select(ip => Row(ip, now))]);
        }

        if (listed.TotalSize > listed.Ips.Count && top > 0)
        {
            // Not on the output: a program that counts lines must not count this one.
            call.Error.WriteLine($"{Units.Count(listed.Ips.Count)} of {Units.Count(listed.TotalSize)} addresses; --all shows every one.");
        }

        return ExitCodes.Ok;
    }

    private static async Task<ListIpsResponse> FetchAsync(AdminCall call, int wanted, ListIpsRequest request)
    {
        var listed = new ListIpsResponse();
        do
        {
            request.PageSize = Math.Min(wanted - listed.Ips.Count, LargestPage);
            var page = await call.Connection.Admin.ListIpsAsync(request, call.Unary);
            listed.Ips.Add(page.Ips.Take(wanted - listed.Ips.Count));
            listed.TotalSize = page.TotalSize;
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0 && listed.Ips.Count < wanted);

        return listed;
    }

    private static string[] Row(IpEntry ip, DateTimeOffset now) =>
    [
        Printable.CleanOrUnknown(ip.Key),
        Units.Count(ip.Connections),
        Units.Count(ip.Limit),
        Units.Count(ip.Peak),
        Units.Count(ip.Admitted),
        Units.Count(ip.Refused),
        Units.Ago(ip.FirstSeen, now),
        Units.Ago(ip.LastSeen, now),
    ];
}
