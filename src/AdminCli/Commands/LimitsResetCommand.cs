using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>Goes back to the configuration.</summary>
internal static class LimitsResetCommand
{
    private static readonly string[] Limits =
        ["total", "per-ip", "per-56", "per-48", "per-24", "rate-per-ip", "rate-total", "unresolved", "unresolved-limit", "overload-level"];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var items = new Argument<string[]>("item")
        {
            Description = "Items as `relayctl limits history` names them, such as per-ip or override/203.0.113.0/24.",
            Arity = ArgumentArity.ZeroOrMore,
        };
        items.CompletionSources.Add([.. Limits]);
        var all = new Option<bool>("--all") { Description = "Every limit, override and shadow item. Bans stay." };
        var flags = new ChangeFlags();
        var command = new ExampleCommand(
            "reset",
            "Makes items what the configuration says again.",
            "An item that was changed stays as it was changed, whatever the configuration says, until it is reset. From then on it follows the configuration at every start.",
            "relayctl limits reset per-ip",
            "relayctl limits reset per-ip override/203.0.113.0/24",
            "relayctl limits reset --all --dry-run    # what would change")
        {
            items,
            all,
        };
        flags.AddTo(command);
        command.Validators.Add(result =>
        {
            var given = result.GetValue(items) ?? [];
            if (given.Length > 0 == result.GetValue(all))
            {
                result.AddError("Give items to reset, such as per-ip, or --all alone.");
            }

            foreach (var item in given)
            {
                if (Check(item) is { } error)
                {
                    result.AddError(error);
                }
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            var request = new ResetPolicyRequest { Items = { call.Options.GetValue(items) ?? [] }, All = call.Options.GetValue(all), Options = flags.Read(call.Options) };
            return ChangeReport.Show(call, await call.Connection.Policy.ResetPolicyAsync(request, call.Unary), request.Options.DryRun);
        });
    }

    private static string? Check(string item)
    {
        var path = item.StartsWith("shadow/", StringComparison.Ordinal) ? item["shadow/".Length..] : item;
        return Limits.Contains(path) ? null
            : path.StartsWith("override/", StringComparison.Ordinal) ? NetworkArgument.Check(path["override/".Length..])
            : $"'{Printable.Clean(item)}' is not an item; there are {string.Join(", ", Limits)}, override/NETWORK and shadow/ITEM.";
    }
}
