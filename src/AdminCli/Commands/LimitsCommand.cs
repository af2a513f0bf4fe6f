using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The limit policy in force, and what can be done with its revisions.</summary>
internal static class LimitsCommand
{
    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "limits",
            "Shows the limits in force and their revision; history, diff, rollback, save, shadow.",
            "The limits that hold for the next connection, in client sockets; what is taken back by itself, and when; what a restart would lose. The revision counts up "
                + "by one with every change; it is 1 at the first start.",
            "relayctl limits",
            "relayctl limits history                             # who changed what, and why",
            "relayctl limits save                                # keep what runs now over a restart",
            "relayctl limits -o json | jq -r .limits.revision    # for set-limit --expect-revision")
        {
            LimitsHistoryCommand.Create(globals, context),
            LimitsDiffCommand.Create(globals, context),
            LimitsRollbackCommand.Create(globals, context),
            LimitsSaveCommand.Create(globals, context),
            LimitsShadowCommand.Create(globals, context),
        }.WithAction(globals, context, ShowAsync);

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var policy = await call.Connection.Policy.GetPolicyAsync(new GetPolicyRequest(), call.Unary);
        if (call.Output.IsJson)
        {
            call.Output.JsonOf(policy, new GetLimitsResponse
            {
                Limits = new Limits
                {
                    Total = (int)PolicyTexts.Number(policy, "total"),
                    PerIp = (int)PolicyTexts.Number(policy, "per-ip"),
                    Ipv6Prefix = policy.Ipv6Prefix,
                    Revision = policy.Revision,
                },
            });
            return ExitCodes.Ok;
        }

        call.Output.Rows([.. Limits(policy), .. Surroundings(call, policy)]);
        return ExitCodes.Ok;
    }

    private static IEnumerable<StatsRow> Limits(Policy policy)
    {
        var ceiling = policy.Ceiling > 0 && policy.Ceiling < PolicyTexts.Number(policy, "total");
        yield return ceiling
            ? new("total", $"{PolicyTexts.Item(policy, "total")} clients", new StatsRow.Part($"in effect {Units.Count(policy.Ceiling)} ({PolicyTexts.Cause(policy)})", Tone.Warning))
            : new("total", $"{PolicyTexts.Item(policy, "total")} clients");
        yield return new("per-ip", $"{PolicyTexts.Item(policy, "per-ip")} clients of one address (IPv6: of one /{policy.Ipv6Prefix})");
        yield return new("per-56", PolicyTexts.Tier(policy, "per-56", "one IPv6 /56"));
        yield return new("per-48", PolicyTexts.Tier(policy, "per-48", "one IPv6 /48"));
        yield return new("per-24", PolicyTexts.Tier(policy, "per-24", "one IPv4 /24"));
        yield return new("rates", $"one address {PolicyTexts.Item(policy, "rate-per-ip")}", $"all {PolicyTexts.Item(policy, "rate-total")}");
        yield return new("no address", $"{PolicyTexts.Item(policy, "unresolved")}", $"at most {PolicyTexts.Item(policy, "unresolved-limit")} clients");
        yield return new("refusing", PolicyTexts.Item(policy, "overload-level") is "auto" ? "by how much there is to refuse" : $"always as {PolicyTexts.Item(policy, "overload-level")}");
        yield return new("rules", $"overrides {PolicyTexts.Rules(policy, "override/")}", $"bans {PolicyTexts.Rules(policy, "ban/")}");
        yield return new("revision", policy.Revision.ToString(CultureInfo.InvariantCulture));
    }

    private static IEnumerable<StatsRow> Surroundings(AdminCall call, Policy policy)
    {
        foreach (var pending in policy.Pending)
        {
            var until = ChangeReport.Due(call, pending.Due);
            yield return new("taken back", new StatsRow.Part(
                $"{PolicyTexts.Changes(pending.Changes)} (revision {pending.Revision}) at {until}"
                    + (pending.NeedsConfirmation ? $" unless confirmed: relayctl confirm {pending.Revision}" : ""),
                Tone.Warning));
        }

        foreach (var change in policy.Unsaved)
        {
            yield return new("not saved", $"{Printable.Clean(change.Path)} {ChangeReport.Change(change)}");
        }

        var file = Printable.Clean(policy.File);
        yield return new("at a start", policy.File.Length == 0 ? "the settings hold; no policy file is set"
            : policy.Saved ? $"what was saved in {file}" : $"the settings hold; nothing was saved in {file} yet");
        if (policy.Shadow is { } shadow)
        {
            yield return new("shadow", $"would have refused {Units.Count(shadow.WouldRefuse.Values.Sum())}", $"would have admitted {Units.Count(shadow.WouldAdmit)}",
                "relayctl limits shadow show");
        }
    }
}
