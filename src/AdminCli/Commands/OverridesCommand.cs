using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Networks for which another limit per address holds.</summary>
internal static class OverridesCommand
{
    private const string Prefix = "override/";

    private static readonly Column[] Columns = [new("NETWORK"), new("LIMIT", ToTheRight: true), new("TAKEN BACK")];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "overrides",
            "Lists networks with a limit of their own; set, remove.",
            "A number holds for each address of the network instead of the limit per address; unlimited is not counted at all; deny refuses. The longest network that holds "
                + "an address wins.",
            "relayctl overrides",
            "relayctl overrides set 203.0.113.0/24 200 --reason 'the office'",
            "relayctl overrides remove 203.0.113.0/24")
        {
            Set(globals, context),
            Remove(globals, context),
        }.WithAction(globals, context, ShowAsync);

    private static Command Set(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument();
        var limit = new Argument<string>("limit")
        {
            Description = "Client sockets of each address, 1 to 1,000,000; unlimited; or deny.",
            CompletionSources = { "unlimited", "deny" },
            CustomParser = ArgumentParsers.Text("The limit", IsLimit, "1 to 1,000,000, unlimited or deny")!,
        };
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "set",
            "Gives a network a limit of its own.",
            "For a network behind whose one address many people sit, or for one that is not welcome. Sockets that are connected stay unless --excess says so.",
            "relayctl overrides set 203.0.113.7 500                # one address",
            "relayctl overrides set 203.0.113.0/24 200 --for 8h    # for today",
            "relayctl overrides set 2001:db8::/32 deny --reason 'abuse'")
        {
            network,
            limit,
        };
        flags.AddTo(command);
        return command.WithAction(globals, context, call => ChangeAsync(
            call, new ChangePolicyRequest { Set = { [Prefix + call.Options.GetValue(network)] = call.Options.GetValue(limit) }, Options = flags.Read(call.Options) }));
    }

    private static Command Remove(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument();
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "remove",
            "Takes a network's own limit away.",
            "The general limits hold for it again, or those of a wider network. A network that has none is no error.",
            "relayctl overrides remove 203.0.113.0/24")
        {
            network,
        };
        flags.AddTo(command);
        return command.WithAction(globals, context, call => ChangeAsync(
            call, new ChangePolicyRequest { Remove = { Prefix + call.Options.GetValue(network) }, Options = flags.Read(call.Options) }));
    }

    private static Argument<string> NetworkArgument() => new("network") { Description = "A network, such as 203.0.113.0/24 or 2001:db8::/32, or one address." };

    private static bool IsLimit(string text) => text is "unlimited" or "deny" || (int.TryParse(text, out var number) && number is >= 1 and <= 1_000_000);

    private static async Task<int> ChangeAsync(AdminCall call, ChangePolicyRequest request)
    {
        var response = await call.Connection.Policy.ChangePolicyAsync(request, call.Unary);
        if (request.Remove is [var path] && response.Changes.Count == 0)
        {
            // Perhaps it was another network that was meant.
            response.Warnings.Add($"{path[Prefix.Length..]} had no override; `relayctl overrides` lists those that are set");
        }

        return ChangeReport.Show(call, response, request.Options.DryRun);
    }

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var policy = await call.Connection.Policy.GetPolicyAsync(new GetPolicyRequest(), call.Unary);
        var items = policy.Items.Where(item => item.Key.StartsWith(Prefix, StringComparison.Ordinal)).OrderBy(item => item.Key, StringComparer.Ordinal).ToList();
        if (call.Output.IsJson)
        {
            var only = new Policy { Revision = policy.Revision };
            items.ForEach(item => only.Items.Add(item.Key, item.Value));
            call.Output.Json(only);
        }
        else if (items.Count == 0)
        {
            call.Output.Line("No overrides.");
        }
        else
        {
            call.Output.Table(Columns, [.. items.Select(item => Row(call, policy, item.Key, item.Value))]);
        }

        return ExitCodes.Ok;
    }

    private static string[] Row(AdminCall call, Policy policy, string path, string limit)
    {
        var pending = policy.Pending.FirstOrDefault(pending => pending.Changes.Any(change => change.Path == path && change.After == limit));
        return [Printable.Clean(path[Prefix.Length..]), ChangeReport.Text(limit), pending is null ? "" : ChangeReport.Due(call, pending.Due)];
    }
}
