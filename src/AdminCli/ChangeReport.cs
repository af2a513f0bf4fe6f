using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>What a change of the policy did, or would do, for eyes and for programs.</summary>
internal static class ChangeReport
{
    private static readonly Column[] OverColumns = [new("OVER"), new("CONNECTIONS", ToTheRight: true), new("LIMIT", ToTheRight: true)];

    /// <param name="always">Limits that are shown also where they stay as they are.</param>
    /// <param name="isDryRun">Nothing was changed: the rows say what would be.</param>
    public static int Show(AdminCall call, ChangePolicyResponse response, bool isDryRun, params IReadOnlyList<string> always)
    {
        call.Output.Answer(response, () =>
        {
            call.Output.Rows(Rows(call, response, isDryRun, always));
            if (isDryRun)
            {
                ShowEffect(call.Output, response.Effect ?? new PolicyEffect());
            }
            else if (response.Changes.Count == 0)
            {
                call.Output.Line("Nothing changed: everything was as asked for already.");
            }
        });

        foreach (var warning in response.Warnings)
        {
            call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
        }

        return ExitCodes.Ok;
    }

    /// <summary>"2026-11-24T15:04:05Z (in 30m)".</summary>
    public static string Due(AdminCall call, Google.Protobuf.WellKnownTypes.Timestamp due) =>
        $"{Units.Time(due)} ({Units.In(due, call.Context.Clock.GetUtcNow())})";

    private static IEnumerable<StatsRow> Rows(AdminCall call, ChangePolicyResponse response, bool isDryRun, IReadOnlyList<string> always)
    {
        var changes = response.Changes.ToDictionary(change => change.Path);
        var after = PolicyTexts.All(response.After ?? new LimitSettings()).ToDictionary(item => item.Path, item => item.Text);
        foreach (var path in always)
        {
            yield return new(path, changes.TryGetValue(path, out var change) ? PolicyTexts.Change(change) : $"{after.GetValueOrDefault(path, Units.Unknown)} (unchanged)");
        }

        foreach (var change in response.Changes.Where(change => !always.Contains(change.Path)))
        {
            yield return new(Printable.Clean(change.Path), PolicyTexts.Change(change));
        }

        var effect = response.Effect ?? new PolicyEffect();
        yield return new("revision", response.RevisionBefore == response.Revision
            ? $"{response.Revision} (unchanged)"
            : $"{response.RevisionBefore} -> {response.Revision}");
        foreach (var row in ClusterText.InForce(response.Nodes))
        {
            yield return row;
        }

        yield return new("current", $"clients {Units.Count(effect.Connections)}", $"addresses over their limit {Units.Count(effect.AddressesOver)}");
        if (response.Evicted > 0)
        {
            yield return new(isDryRun ? "would close" : "closing", $"{Units.Count(response.Evicted)} clients");
        }

        if (isDryRun)
        {
            yield break;
        }

        if (response.RevertsAt is { } reverts)
        {
            yield return new("reverts", $"at {Due(call, reverts)}");
        }

        if (response.ConfirmBy is { } confirm)
        {
            yield return new("confirm", new StatsRow.Part($"by {Due(call, confirm)}, or it is reverted: relayctl confirm {response.Revision}", Tone.Warning));
        }
    }

    private static void ShowEffect(Output output, PolicyEffect effect)
    {
        output.Line($"{Units.Count(effect.SocketsOver)} of {Units.Count(effect.Connections)} clients are above the limits.");
        output.Line(effect.Admissions == 0
            ? "No admissions of the last minutes to try it on."
            : $"{Units.Count(effect.AdmissionsRefused)} of {Units.Count(effect.Admissions)} admissions of the last {Units.Duration(effect.AdmissionsSince)} would have been refused.");
        if (effect.Over.Count > 0)
        {
            output.Table(OverColumns, [.. effect.Over.Select(over => new[] { Printable.CleanOrUnknown(over.Key), Units.Count(over.Connections), Units.Count(over.Limit) })]);
            if (effect.KeysOver > effect.Over.Count)
            {
                output.Line($"{Units.Count(effect.Over.Count)} of {Units.Count(effect.KeysOver)}, those with most to lose first.");
            }
        }

        output.Line("Dry run: nothing was changed.");
    }
}
