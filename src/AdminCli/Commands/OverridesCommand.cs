using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Networks with another limit per address.</summary>
internal static class OverridesCommand
{
    private const string Prefix = "override/";

    private static readonly Column[] Columns = [new("NETWORK"), new("LIMIT", ToTheRight: true), new("REVERTS")];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "overrides",
            "Lists networks with a limit of their own; set, remove.",
            "A number applies to each address of the network instead of the limit per address; unlimited is not counted at all; deny refuses. The longest network that holds "
                + "an address wins.",
            "relayctl overrides",
            "relayctl overrides set 203.0.113.0/24 200 --reason 'the office'",
            "relayctl overrides remove 203.0.113.0/24")
        {
            Set(globals, context),
            Remove(globals, context),
        }.WithWatch(globals, context, ShowAsync);

    private static Command Set(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument.Create();
        var limit = new Argument<string>("limit|unlimited|deny")
        {
            HelpName = "limit|unlimited|deny",
            Description = "Client connections of each address, 1 to 1,000,000; unlimited; or deny.",
            CompletionSources = { "unlimited", "deny" },
            CustomParser = ArgumentParsers.Text("The limit", IsLimit, "1 to 1,000,000, unlimited or deny")!,
        };
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "set",
            "Gives a network a limit of its own.",
            "For a network behind whose one address many people sit, or for one that is not welcome. Connected clients stay unless --excess says so.",
            "relayctl overrides set 203.0.113.7 500                # one address",
            "relayctl overrides set 203.0.113.0/24 200 --for 8h    # for today",
            "relayctl overrides set 2001:db8::/32 deny --reason 'abuse'")
        {
            network,
            limit,
        };
        flags.AddTo(command);
        return command.WithAction(globals, context, call => ChangeAsync(
            call, new ChangePolicyRequest { SetOverrides = { Of(call.Options.GetValue(network)!, call.Options.GetValue(limit)!) }, Options = flags.Read(call.Options) }));
    }

    private static Command Remove(GlobalOptions globals, CommandContext context)
    {
        var network = NetworkArgument.Create();
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "remove",
            "Removes the limit of a network.",
            "The general limits apply to it again, or those of a wider network. A network that has none: exit code 1.",
            "relayctl overrides remove 203.0.113.0/24")
        {
            network,
        };
        flags.AddTo(command);
        return command.WithAction(globals, context, call => ChangeAsync(
            call, new ChangePolicyRequest { RemoveOverrides = { call.Options.GetValue(network) }, Options = flags.Read(call.Options) }));
    }

    /// <summary>"203.0.113.0/24=200" as an override; null where it is none.</summary>
    public static Override? Read(string text)
    {
        var at = text.IndexOf('=');
        return at > 0 && IsLimit(text[(at + 1)..].Trim()) && NetworkArgument.Check(text[..at].Trim()) is null ? Of(text[..at].Trim(), text[(at + 1)..].Trim()) : null;
    }

    private static Override Of(string network, string limit) => limit switch
    {
        "unlimited" => new Override { Network = network, Unlimited = true },
        "deny" => new Override { Network = network, Deny = true },
        _ => new Override { Network = network, PerIp = int.Parse(limit, NumberStyles.None, CultureInfo.InvariantCulture) },
    };

    private static bool IsLimit(string text) => text is "unlimited" or "deny" || (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 1_000_000);

    private static async Task<int> ChangeAsync(AdminCall call, ChangePolicyRequest request)
    {
        var response = await call.Connection.Policy.ChangePolicyAsync(request, call.Unary);
        if (request.RemoveOverrides is [var network] && response.Changes.Count == 0)
        {
            // Perhaps it was another network that was meant.
            call.Error.WriteLine($"No override matches {Printable.Clean(network)}; `relayctl overrides` lists those that are set.");
            return ExitCodes.Rejected;
        }

        return ChangeReport.Show(call, response, request.Options.DryRun);
    }

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var policy = await call.Connection.Policy.GetPolicyAsync(new GetPolicyRequest(), call.Unary);
        call.Output.List(new EffectivePolicy { Revision = policy.Revision, Overrides = { policy.Overrides } }, [EffectivePolicy.OverridesFieldNumber], () =>
        {
            if (policy.Overrides.Count == 0)
            {
                call.Output.Line("No overrides.");
            }
            else
            {
                call.Output.Table(Columns, [.. policy.Overrides.Select(row => Row(call, policy, row))]);
            }
        });

        return ExitCodes.Ok;
    }

    private static string[] Row(AdminCall call, EffectivePolicy policy, Override row)
    {
        var pending = policy.Pending.FirstOrDefault(pending => pending.Changes.Any(change => change.Path == Prefix + row.Network));
        return [Printable.Clean(row.Network), PolicyTexts.Limit(row), pending is null ? Units.Unknown : ChangeReport.Due(call, pending.Due)];
    }
}
