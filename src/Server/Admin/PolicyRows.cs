using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Limits;

namespace Relay.Admin;

/// <summary>The policy's own types from and to the messages of the contract.</summary>
internal static class PolicyRows
{
    public const int MaxReason = 256;

    private static readonly TimeSpan LongestHold = TimeSpan.FromDays(30);
    private static readonly TimeSpan LongestConfirm = TimeSpan.FromHours(1);

    public static AdminApi.PolicyDifference Of(Limits.PolicyDifference difference)
    {
        var row = new AdminApi.PolicyDifference { Path = difference.Path };
        if (difference.Before is { } before)
        {
            row.Before = before;
        }

        if (difference.After is { } after)
        {
            row.After = after;
        }

        return row;
    }

    public static AdminApi.PolicyEffect Of(Limits.PolicyEffect effect, int most) => new()
    {
        Connections = effect.Live,
        TotalOver = effect.TotalOver,
        Over =
        {
            effect.Over.Take(most).Select(over => new AdminApi.KeyOver { Key = over.Key.ToString(), Connections = over.Live, Limit = over.Limit }),
        },
        KeysOver = effect.Over.Count,
        AddressesOver = effect.Over.Count(over => !over.IsNetwork),
        SocketsOver = effect.SocketsOver,
        Admissions = effect.Admitted,
        AdmissionsRefused = effect.Refused,
        AdmissionsSince = Duration.FromTimeSpan(effect.Since),
    };

    /// <summary>One side of some differences for the audit, "per-ip=50 ban/192.0.2.1=-".</summary>
    public static string Short(IReadOnlyList<Limits.PolicyDifference> differences, Func<Limits.PolicyDifference, string?> side)
    {
        const int MostShown = 20;
        var shown = differences.Take(MostShown).Select(difference => $"{difference.Path}={side(difference) ?? "-"}");
        return string.Join(' ', shown) + (differences.Count > MostShown ? $" and {differences.Count - MostShown} more" : "");
    }

    public static Timestamp? Moment(DateTimeOffset? moment) => moment is { } time ? Timestamp.FromDateTimeOffset(time) : null;

    /// <summary>A change as asked for. Throws INVALID_ARGUMENT that names each field that is out of its range.</summary>
    public static PolicyChange Change(IReadOnlyDictionary<string, string?> edits, ChangeOptions options, string who)
    {
        var mistakes = new List<(string, string)>();
        CheckReason(options.Reason, mistakes);
        if (!System.Enum.IsDefined(options.Existing))
        {
            mistakes.Add(("existing", $"{(int)options.Existing} is not known"));
        }

        var change = new PolicyChange(edits, who, options.Reason)
        {
            ExpectedRevision = options.HasExpectedRevision ? options.ExpectedRevision : null,
            DryRun = options.DryRun,
            HoldFor = Length("hold_for", options.HoldFor, LongestHold, mistakes),
            ConfirmWithin = Length("confirm_within", options.ConfirmWithin, LongestConfirm, mistakes),
        };
        return mistakes.Count > 0 ? throw AdminErrors.Invalid(mistakes) : change;
    }

    public static void CheckReason(string reason, List<(string, string)> mistakes)
    {
        if (reason.Length > MaxReason)
        {
            mistakes.Add(("reason", $"{reason.Length} characters; at most {MaxReason}"));
        }
    }

    /// <summary>A duration of 1 s to <paramref name="longest"/>; null when none is given.</summary>
    public static TimeSpan? Length(string field, Duration? given, TimeSpan longest, List<(string, string)> mistakes)
    {
        if (given is null)
        {
            return null;
        }

        if (given.Seconds < 1 || given.Seconds > longest.TotalSeconds || given.Nanos is < 0 or > 999_999_999)
        {
            mistakes.Add((field, $"{given.Seconds} s is not in 1 s to {longest.TotalHours:0} h"));
            return null;
        }

        return given.ToTimeSpan();
    }
}
