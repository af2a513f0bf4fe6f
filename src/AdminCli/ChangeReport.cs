using Google.Protobuf;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>What a change of the policy did, or would do, for eyes and for programs.</summary>
internal static class ChangeReport
{
    private const string Nothing = "(none)";

    private static readonly Column[] OverColumns = [new("OVER"), new("CONNECTIONS", ToTheRight: true), new("LIMIT", ToTheRight: true)];

    /// <param name="always">Items that are shown also where they stay as they are.</param>
    /// <param name="isDryRun">Nothing was changed: the rows say what would be.</param>
    /// <param name="more">Whose fields the JSON has beside the response's own.</param>
    public static int Show(
        AdminCall call, ChangePolicyResponse response, bool isDryRun, IReadOnlyList<string>? always = null, params IReadOnlyList<IMessage> more)
    {
        if (call.Output.IsJson)
        {
            call.Output.JsonOf([response, .. more]);
        }
        else
        {
            call.Output.Rows(Rows(call, response, isDryRun, always ?? []));
            if (isDryRun)
            {
                ShowEffect(call.Output, response.Effect ?? new PolicyEffect());
            }
        }

        foreach (var warning in response.Warnings)
        {
            call.Error.WriteLine($"warning: {Printable.Clean(warning)}");
        }

        if (!isDryRun && !call.Output.IsJson && call.Context.Terminal.Redraws && response.RevertsAt is null && response.ConfirmBy is null)
        {
            // A program that reads the answer knows; a person may not.
            call.Error.WriteLine("Not saved: a restart takes it back. `relayctl limits save` keeps it.");
        }

        return ExitCodes.Ok;
    }

    /// <summary>"50 -> 20"; numbers with their thousands separated.</summary>
    public static string Change(PolicyDifference change) => $"{Text(change.HasBefore, change.Before)} -> {Text(change.HasAfter, change.After)}";

    /// <summary>An item's text: numbers with their thousands separated, the rest as it is.</summary>
    public static string Text(string text) => long.TryParse(text, out var number) ? Units.Count(number) : Printable.CleanOrUnknown(text);

    /// <summary>"2026-11-24 15:04:05 (in 30m 0s)", in the operator's own time.</summary>
    public static string Due(AdminCall call, Google.Protobuf.WellKnownTypes.Timestamp due) =>
        $"{Units.Local(due, call.Context.Clock)} ({Units.In(due, call.Context.Clock.GetUtcNow())})";

    private static string Text(bool given, string text) => given ? Text(text) : Nothing;

    private static IEnumerable<StatsRow> Rows(AdminCall call, ChangePolicyResponse response, bool isDryRun, IReadOnlyList<string> always)
    {
        var changes = response.Changes.ToDictionary(change => change.Path);
        foreach (var path in always)
        {
            yield return new(path, changes.TryGetValue(path, out var change) ? Change(change) : $"{Text(response.Limits.GetValueOrDefault(path, Units.Unknown))} (unchanged)");
        }

        foreach (var change in response.Changes.Where(change => !always.Contains(change.Path)))
        {
            yield return new(Printable.Clean(change.Path), Change(change));
        }

        var effect = response.Effect ?? new PolicyEffect();
        yield return new("revision", isDryRun ? $"{Units.Count(response.Revision)} (unchanged)"
            : response.RevisionBefore == response.Revision ? $"{Units.Count(response.Revision)} (unchanged)"
            : $"{Units.Count(response.RevisionBefore)} -> {Units.Count(response.Revision)}");
        yield return new("now", $"clients {Units.Count(effect.Connections)}", $"addresses over their limit {Units.Count(effect.AddressesOver)}");
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
            yield return new("taken back", $"at {Due(call, reverts)}");
        }

        if (response.ConfirmBy is { } confirm)
        {
            yield return new("confirm", new StatsRow.Part($"by {Due(call, confirm)}, or it is taken back: relayctl confirm {response.Revision}", Tone.Warning));
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
