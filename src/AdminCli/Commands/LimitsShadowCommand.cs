using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>A second set of limits, which is counted and never enforced.</summary>
internal static class LimitsShadowCommand
{
    private static readonly Column[] Columns = [new("ITEM"), new("SHADOW"), new("IN_EFFECT")];

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "shadow",
            "Tries limits on the real traffic without enforcing them: set, show, promote, clear.",
            "The shadow's items replace those of the limits in effect, and every connection is evaluated against both; only the limits in effect decide. Its counts show which decisions "
                + "would differ, by the counts of the limits in effect.",
            "relayctl limits shadow set --per-ip 20",
            "relayctl limits shadow show       # what it would have refused since",
            "relayctl limits shadow promote    # enforce it")
        {
            Set(globals, context),
            new ExampleCommand(
                "show",
                "Shows the shadow's items and where it disagreed.",
                "Refusals by reason are of clients that were admitted; `relayctl ips` has them by address.",
                "relayctl limits shadow show").WithAction(globals, context, ShowAsync),
            Ending(
                globals, context, "promote", "Enforces the shadow's limits.", "One change: the items become the enforced ones, and the shadow ends.",
                static (call, request) => call.Connection.Policy.PromoteShadowAsync(request, call.Unary).ResponseAsync),
            Ending(
                globals, context, "clear", "Ends the shadow.", "Its items and counts are removed; the limits in effect stay.",
                static (call, request) => call.Connection.Policy.ClearShadowAsync(request, call.Unary).ResponseAsync),
        };

    private static Command Set(GlobalOptions globals, CommandContext context)
    {
        var limits = new LimitFlags(withLevel: false);
        var flags = new ChangeFlags();
        var overrides = new Option<string[]>("--override")
        {
            Description = "An override of the shadow: a network and 1 to 1,000,000, unlimited or deny. May be given several times.",
            HelpName = "network=limit",
        };
        var command = new ExampleCommand(
            "set",
            "Sets items of the shadow.",
            "Items of the shadow that you leave out do not change. Each change of the shadow resets its statistics.",
            "relayctl limits shadow set --per-ip 20 --per-48 32x",
            "relayctl limits shadow set --override 203.0.113.0/24=200 --override 198.51.100.0/24=deny")
        {
            overrides,
        };
        limits.AddTo(command);
        flags.AddTo(command);
        command.Validators.Add(result =>
        {
            if (!limits.AnyGiven(result) && result.GetResult(overrides) is null)
            {
                result.AddError("Nothing to set: give at least one limit, such as --per-ip N, or --override NETWORK=VALUE.");
            }

            foreach (var text in result.GetValue(overrides) ?? [])
            {
                if (OverridesCommand.Read(text) is null)
                {
                    result.AddError($"--override must be a network and 1 to 1,000,000, unlimited or deny, such as 203.0.113.0/24=200, not '{Printable.Clean(text)}'.");
                }
            }
        });
        return command.WithAction(globals, context, async call =>
        {
            var request = new ChangePolicyRequest
            {
                Shadow = new ShadowChange
                {
                    Set = limits.Read(call.Options),
                    SetOverrides = { (call.Options.GetValue(overrides) ?? []).Select(OverridesCommand.Read).OfType<Override>() },
                },
                Options = flags.Read(call.Options),
            };

            var response = await call.Connection.Policy.ChangePolicyAsync(request, call.Unary);
            return ChangeReport.Show(call, response, request.Options.DryRun);
        });
    }

    private static Command Ending(
        GlobalOptions globals, CommandContext context, string name, string summary, string details, Func<AdminCall, ShadowRequest, Task<ChangePolicyResponse>> end)
    {
        var flags = new ChangeFlags();
        var command = new ExampleCommand(name, summary, details, $"relayctl limits shadow {name}", $"relayctl limits shadow {name} --dry-run");
        flags.AddTo(command);
        return command.WithAction(globals, context, async call =>
        {
            var request = new ShadowRequest { Options = flags.Read(call.Options) };
            return ChangeReport.Show(call, await end(call, request), request.Options.DryRun);
        });
    }

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var policy = await call.Connection.Policy.GetPolicyAsync(new GetPolicyRequest(), call.Unary);
        call.Output.Answer(new EffectivePolicy { Revision = policy.Revision, Shadow = policy.Shadow }, () => Print(call.Output, policy));
        return ExitCodes.Ok;
    }

    private static void Print(Output output, EffectivePolicy policy)
    {
        if (policy.Shadow is not { } shadow)
        {
            output.Line("There is no shadow.");
            return;
        }

        var live = Items(policy.Limits, policy.Overrides).ToDictionary(item => item.Path, item => item.Text);
        output.Table(Columns, [.. Items(shadow.Limits, shadow.Overrides).Select(item => new[] { item.Path, item.Text, live.GetValueOrDefault(item.Path, "(none)") })]);
        output.Rows(
        [
            new("would have refused", [Units.Count(shadow.WouldRefuse.Values.Sum()), .. shadow.WouldRefuse
                .OrderByDescending(reason => reason.Value).Select(reason => (StatsRow.Part)$"{Printable.Clean(reason.Key)} {Units.Count(reason.Value)}")]),
            new("would have admitted", Units.Count(shadow.WouldAdmit)),
        ]);
    }

    private static IEnumerable<(string Path, string Text)> Items(LimitSettings? limits, IEnumerable<Override> overrides) =>
        PolicyTexts.All(limits ?? new LimitSettings()).Concat(overrides.Select(row => ($"override/{Printable.Clean(row.Network)}", PolicyTexts.Limit(row))))
            .OrderBy(item => item.Item1, StringComparer.Ordinal);
}
