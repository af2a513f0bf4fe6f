using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>The policy's own types from and to the messages of the contract.</summary>
internal static class PolicyMapper
{
    public const int MaxReason = 256;

    private static readonly TimeSpan MaxTtl = TimeSpan.FromDays(30);
    private static readonly TimeSpan MaxConfirm = TimeSpan.FromHours(1);

    public static AdminApi.PolicyDifference Of(Policy.PolicyDifference difference)
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

    public static AdminApi.PendingRevert Of(Policy.PendingRevert pending) => new()
    {
        Revision = pending.Revision,
        Due = Timestamp.FromDateTimeOffset(pending.Due),
        NeedsConfirmation = pending.NeedsConfirmation,
        Changes = { pending.Differences.Select(Of) },
    };

    public static Revision Of(PolicyRevision revision) => new()
    {
        Revision_ = revision.Revision,
        Time = Timestamp.FromDateTimeOffset(revision.Time),
        Who = revision.Who,
        Reason = revision.Reason,
        Changes = { revision.Differences.Select(Of) },
    };

    public static AdminApi.ChangedItem Of(Policy.ChangedItem item)
    {
        var row = new AdminApi.ChangedItem { Path = item.Path, Revision = item.Revision, Who = item.Who, Time = Timestamp.FromDateTimeOffset(item.Time) };
        if (item.Configured is { } configured)
        {
            row.Configured = configured;
        }

        if (item.Text is { } text)
        {
            row.Text = text;
        }

        return row;
    }

    public static AdminApi.PolicyEffect Of(Admission.PolicyEffect effect, int most) => new()
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

    public static Timestamp? Moment(DateTimeOffset? moment) => moment is { } time ? Timestamp.FromDateTimeOffset(time) : null;

    /// <summary>A change as asked for. Throws INVALID_ARGUMENT that names each field that is out of its range.</summary>
    public static PolicyChange Change(IReadOnlyDictionary<string, string?> edits, ChangeOptions? given, ServerCallContext context)
    {
        var options = given ?? new ChangeOptions();
        var errors = new List<(string, string)>();
        CheckReason(options.Reason, errors, "options.reason");
        if (!System.Enum.IsDefined(options.Excess))
        {
            errors.Add(("options.excess", $"{(int)options.Excess} is not known"));
        }

        var change = new PolicyChange(edits, AdminCaller.Of(context).Who, options.Reason)
        {
            ExpectedRevision = options.HasExpectedRevision ? options.ExpectedRevision : null,
            DryRun = options.DryRun,
            Evict = options.Excess switch
            {
                Excess.EvictIdle => Eviction.Idle,
                Excess.EvictNewest => Eviction.Newest,
                _ => Eviction.None,
            },
            Ttl = Length("options.ttl", options.Ttl, MaxTtl, errors),
            ConfirmWithin = Length("options.confirm_within", options.ConfirmWithin, MaxConfirm, errors),
        };
        return errors.Count > 0 ? throw AdminErrors.Invalid(errors) : change;
    }

    public static void CheckReason(string reason, List<(string, string)> errors, string field = "reason")
    {
        if (reason.Length > MaxReason)
        {
            errors.Add((field, $"{reason.Length} characters; at most {MaxReason}"));
        }
    }

    /// <summary>A duration of 1 s to <paramref name="longest"/>; null when none is given.</summary>
    public static TimeSpan? Length(string field, Duration? given, TimeSpan longest, List<(string, string)> errors)
    {
        if (given is null)
        {
            return null;
        }

        if (given.Seconds < 1 || given.Seconds > longest.TotalSeconds || given.Nanos is < 0 or > 999_999_999)
        {
            errors.Add((field, $"{given.Seconds} s is not in 1 s to {longest.TotalHours:0} h"));
            return null;
        }

        return given.ToTimeSpan();
    }
}
