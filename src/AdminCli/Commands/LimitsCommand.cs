using System.CommandLine;
using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The limit policy in effect, and commands for its revisions.</summary>
internal static class LimitsCommand
{
    private const int MaxChanged = 20;

    public static Command Create(GlobalOptions globals, CommandContext context) =>
        new ExampleCommand(
            "limits",
            "Shows the limits in effect and their revision; history, diff, rollback, reset, shadow.",
            "The limits that apply to the next connection; what will be reverted, and when; what was changed and differs from the configuration. The revision counts up by "
                + "one with every change; it is 1 at the first start.",
            "relayctl limits",
            "relayctl limits history                      # who changed what, and why",
            "relayctl limits reset per-ip                 # back to the configuration",
            "relayctl limits -o json | jq -r .revision    # for set-limit --expect-revision")
        {
            LimitsHistoryCommand.Create(globals, context),
            LimitsDiffCommand.Create(globals, context),
            LimitsRollbackCommand.Create(globals, context),
            LimitsResetCommand.Create(globals, context),
            LimitsShadowCommand.Create(globals, context),
        }.WithAction(globals, context, ShowAsync);

    private static async Task<int> ShowAsync(AdminCall call)
    {
        var policy = await call.Connection.Policy.GetPolicyAsync(new GetPolicyRequest(), call.Unary);
        call.Output.Answer(policy, () => call.Output.Rows([.. Limits(policy), .. Surroundings(call, policy)]));

        return ExitCodes.Ok;
    }

    private static IEnumerable<StatsRow> Limits(EffectivePolicy policy)
    {
        var limits = policy.Limits ?? new LimitSettings();
        var ceiling = policy.Ceiling > 0 && policy.Ceiling < limits.Total;
        var total = $"{Units.Count(limits.Total)} clients";
        yield return ceiling
            ? new("total", total, new StatsRow.Part($"in effect {Units.Count(policy.Ceiling)} ({Printable.CleanOrUnknown(policy.CeilingCause)})", Tone.Warning))
            : new("total", total);
        yield return new("per-ip", $"{Units.Count(limits.PerIp)} clients of one address (IPv6: of one /{policy.Ipv6Prefix})");
        yield return new("per-56", PolicyTexts.Tier(limits.Per56, limits.PerIp, "one IPv6 /56"));
        yield return new("per-48", PolicyTexts.Tier(limits.Per48, limits.PerIp, "one IPv6 /48"));
        yield return new("per-24", PolicyTexts.Tier(limits.Per24, limits.PerIp, "one IPv4 /24"));
        yield return new("rates", $"one address {PolicyTexts.Rate(limits.RatePerIp)}", $"all {PolicyTexts.Rate(limits.RateTotal)}");
        yield return new("unknown address", limits.Unresolved == UnresolvedClients.Refuse
            ? "refused"
            : $"counted in total only, at most {Units.Count(limits.UnresolvedLimit)}");
        yield return new("refusal mode", limits.OverloadLevel == OverloadMode.Auto
            ? $"auto (now {PolicyTexts.Level(policy.CurrentLevel)})"
            : $"always {PolicyTexts.Level(limits.OverloadLevel)}");
        yield return new("rules", $"overrides {Units.Count(policy.Overrides.Count)}", $"bans {Units.Count(policy.Bans)}");
        yield return new("revision", policy.Revision.ToString(CultureInfo.InvariantCulture));
    }

    private static IEnumerable<StatsRow> Surroundings(AdminCall call, EffectivePolicy policy)
    {
        foreach (var pending in policy.Pending)
        {
            yield return new("reverts", new StatsRow.Part(
                $"{string.Join(", ", pending.Changes.Select(Back))} at {ChangeReport.Due(call, pending.Due)}, revision {pending.Revision}"
                    + (pending.NeedsConfirmation ? $", unless confirmed: relayctl confirm {pending.Revision}" : ""),
                Tone.Warning));
        }

        foreach (var item in policy.Changed.Take(MaxChanged))
        {
            yield return new("changed", $"{Printable.Clean(item.Path)} {PolicyTexts.Side(item.HasText, item.Text)}, configured {PolicyTexts.Side(item.HasConfigured, item.Configured)}",
                $"by {Printable.CleanOrUnknown(item.Who)} at {Units.Time(item.Time)}, revision {item.Revision}");
        }

        if (policy.Changed.Count > MaxChanged)
        {
            yield return new("changed", $"and {Units.Count(policy.Changed.Count - MaxChanged)} more items");
        }

        yield return policy.JournalFile.Length > 0
            ? new("after restart", $"the same; changes are kept in {Printable.Clean(policy.JournalFile)}")
            : new("after restart", new StatsRow.Part("values from the configuration: changes are in memory only", Tone.Warning));
        if (policy.Shadow is { } shadow)
        {
            yield return new("shadow", $"would have refused {Units.Count(shadow.WouldRefuse.Values.Sum())}", $"would have admitted {Units.Count(shadow.WouldAdmit)}",
                "relayctl limits shadow show");
        }
    }

    private static string Back(PolicyDifference change) =>
        $"{Printable.Clean(change.Path)} {PolicyTexts.Side(change.HasAfter, change.After)} -> {PolicyTexts.Side(change.HasBefore, change.Before)}";
}
