using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.Access;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Clients;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>The gRPC service of the limit policy: request, one call, reply.</summary>
internal sealed class PolicyService(
    LimitPolicyStore policies,
    PolicyChanges changes,
    ConnectionLedger ledger,
    BanCommands bans,
    SessionTable sessions,
    PacedDisconnector closer,
    TimeProvider time) : AdminApi.PolicyService.PolicyServiceBase
{
    private const int MaxRows = 20;

    public override Task<AdminApi.Policy> GetPolicy(GetPolicyRequest request, ServerCallContext context)
    {
        var overview = policies.Overview();
        var shadow = ledger.ShadowTotals();
        var ceiling = ledger.Totals().Ceiling;
        return Task.FromResult(new AdminApi.Policy
        {
            Revision = overview.Current.Revision,
            Items = { overview.Current.Items.All.ToDictionary() },
            Pending = { overview.Pending.OrderBy(pending => pending.Due).Select(Row) },
            Unsaved = { overview.Unsaved.Select(PolicyMapper.Of) },
            Saved = overview.IsSaved,
            File = policies.File ?? "",
            Ceiling = ceiling == Ceiling.None ? 0 : ceiling.Value,
            CeilingCause = ceiling.Cause,
            Ipv6Prefix = overview.Current.Ipv6Prefix,
            Shadow = overview.Current.Shadow is null ? null : new Shadow
            {
                WouldAdmit = shadow.Admits,
                WouldRefuse =
                {
                    Rejections.All.Where(row => shadow.Refused[(int)row.Reason] > 0).ToDictionary(row => row.Label, row => shadow.Refused[(int)row.Reason]),
                },
            },
        });
    }

    public override Task<ChangePolicyResponse> ChangePolicy(ChangePolicyRequest request, ServerCallContext context)
    {
        if (request.Set.Count == 0 && request.Remove.Count == 0)
        {
            throw AdminErrors.Invalid(("set", "give items to set, or rules to remove"));
        }

        var edits = request.Remove.Distinct().ToDictionary(path => path, _ => (string?)null);
        foreach (var (path, text) in request.Set)
        {
            edits[path] = text;
        }

        return Task.FromResult(Answer(changes.Make(Change(edits, request.Options, context)), request.Options, context));
    }

    public override Task<ConfirmPolicyResponse> ConfirmPolicy(ConfirmPolicyRequest request, ServerCallContext context)
    {
        var confirmed = policies.Confirm(request.Revision == 0 ? null : request.Revision);
        if (confirmed.Count == 0)
        {
            throw AdminErrors.Precondition(request.Revision == 0
                ? "nothing waits for a confirmation; its time may be over, see the history"
                : $"revision {request.Revision} does not wait for a confirmation; its time may be over, see the history");
        }

        AdminCaller.Of(context).Changed(null, $"confirmed={string.Join(',', confirmed)}");
        return Task.FromResult(new ConfirmPolicyResponse { Revision = policies.Current.Revision });
    }

    public override Task<ListRevisionsResponse> ListRevisions(ListRevisionsRequest request, ServerCallContext context)
    {
        var page = new Page(request.PageSize, request.PageToken, "");
        page.ThrowIfWrong();
        var history = policies.Overview().History;
        return Task.FromResult(new ListRevisionsResponse
        {
            Revisions = { page.Cut(history, (a, b) => b.Revision.CompareTo(a.Revision)).Select(Row) },
            NextPageToken = page.NextToken(history.Count),
            TotalSize = history.Count,
        });
    }

    public override Task<DiffPolicyResponse> DiffPolicy(DiffPolicyRequest request, ServerCallContext context)
    {
        var overview = policies.Overview();
        var (from, to) = (Find(overview, request.From), Find(overview, request.To));
        return Task.FromResult(new DiffPolicyResponse
        {
            From = from.Revision,
            To = to.Revision,
            Changes = { PolicyItems.Diff(from.Items, to.Items).Select(PolicyMapper.Of) },
        });
    }

    public override Task<ChangePolicyResponse> RollbackPolicy(RollbackPolicyRequest request, ServerCallContext context)
    {
        var options = request.Options ?? new ChangeOptions();
        options.Reason = options.Reason.Length > 0 ? options.Reason : $"back to revision {request.Revision}";
        return Task.FromResult(Answer(changes.Rollback(request.Revision, Change([], options, context)), options, context));
    }

    public override Task<SavePolicyResponse> SavePolicy(SavePolicyRequest request, ServerCallContext context)
    {
        if (policies.File is not { } file)
        {
            throw AdminErrors.Precondition("no policy file is set; set Admission:PolicyFile and start again");
        }

        try
        {
            var saved = policies.Save(Caller(context));
            return Task.FromResult(new SavePolicyResponse { File = file, Revision = policies.Current.Revision, Changes = { saved.Select(PolicyMapper.Of) } });
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw AdminErrors.Precondition($"{file} cannot be written, the old one is untouched: {exception.Message}");
        }
    }

    public override Task<ChangePolicyResponse> PromoteShadow(ShadowRequest request, ServerCallContext context)
    {
        var current = policies.Current;
        var edits = new Dictionary<string, string?>();
        foreach (var path in ShadowItems(current))
        {
            edits[path] = null;
            edits[path[PolicyItems.Shadow.Length..]] = current.Items[path];
        }

        return Task.FromResult(Answer(changes.Make(Unless(current, Change(edits, request.Options, context))), request.Options, context));
    }

    public override Task<ChangePolicyResponse> ClearShadow(ShadowRequest request, ServerCallContext context)
    {
        var current = policies.Current;
        var edits = ShadowItems(current).ToDictionary(path => path, _ => (string?)null);
        return Task.FromResult(Answer(changes.Make(Unless(current, Change(edits, request.Options, context))), request.Options, context));
    }

    public override Task<BanResponse> Ban(BanRequest request, ServerCallContext context) => Task.FromResult(bans.Ban(request, AdminCaller.Of(context)));

    public override Task<UnbanResponse> Unban(UnbanRequest request, ServerCallContext context) => Task.FromResult(bans.Unban(request, AdminCaller.Of(context)));

    public override Task<ListBansResponse> ListBans(ListBansRequest request, ServerCallContext context) => Task.FromResult(bans.List(request));

    private static string Caller(ServerCallContext context) => AdminCaller.Of(context).Who;

    private static PolicyChange Change(Dictionary<string, string?> edits, ChangeOptions? options, ServerCallContext context) =>
        PolicyMapper.Change(edits, options ?? new ChangeOptions(), Caller(context));

    // Decided from the shadow as it was when it was looked at.
    private static PolicyChange Unless(LimitPolicy looked, PolicyChange change) =>
        change with { ExpectedRevision = change.ExpectedRevision ?? looked.Revision };

    private static List<string> ShadowItems(LimitPolicy policy)
    {
        var paths = policy.Items.All.Select(item => item.Key).Where(path => path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal)).ToList();
        return paths.Count > 0 ? paths : throw AdminErrors.Precondition("there is no shadow");
    }

    private ChangePolicyResponse Answer(PolicyResult result, ChangeOptions? options, ServerCallContext context)
    {
        if (options?.DryRun != true)
        {
            AdminCaller.Of(context).Changed(
                PolicyMapper.Short(result.Differences, difference => difference.Before), PolicyMapper.Short(result.Differences, difference => difference.After));
        }

        var effect = Admission.PolicyEffect.Of(ledger, result.After, time);
        var existing = options?.Excess ?? Excess.Unspecified;
        var shed = existing is Excess.EvictIdle or Excess.EvictNewest
            ? ExcessSelection.Choose(sessions.All.Where(session => IsCounted(session, result.Before)), effect, existing == Excess.EvictNewest)
            : [];
        if (options?.DryRun != true)
        {
            closer.Add(shed, CloseReason.Evicted);
        }

        return new ChangePolicyResponse
        {
            RevisionBefore = result.Before.Revision,
            Revision = options?.DryRun == true ? result.Before.Revision : result.After.Revision,
            Changes = { result.Differences.Select(PolicyMapper.Of) },
            Warnings = { PolicyWarnings.Of(result.After, effect, stays: shed.Count == 0).Concat(result.Warnings) },
            Effect = PolicyMapper.Of(effect, MaxRows),
            RevertsAt = PolicyMapper.Moment(result.RevertsAt),
            ConfirmBy = PolicyMapper.Moment(result.ConfirmBy),
            Evicted = shed.Count,
            Limits = { PolicyGrammar.Scalars.ToDictionary(path => path, path => result.After.Items[path]) },
            Ipv6Prefix = result.After.Ipv6Prefix,
        };
    }

    // Closing one that counts nowhere would make no room.
    private static bool IsCounted(Session session, LimitPolicy policy) =>
        session.State is Client && KeyLimits.Of(policy, session.Address, session.Key).IsCounted;

    private static PolicyRevision Find(PolicyOverview overview, long revision) => revision == 0
        ? overview.History[^1]
        : overview.History.FirstOrDefault(entry => entry.Revision == revision) ?? throw AdminErrors.NotRemembered(revision);

    private static AdminApi.PendingRevert Row(Policy.PendingRevert pending) => new()
    {
        Revision = pending.Revision,
        Due = Timestamp.FromDateTimeOffset(pending.Due),
        NeedsConfirmation = pending.NeedsConfirmation,
        Changes = { pending.Differences.Select(PolicyMapper.Of) },
    };

    private static Revision Row(PolicyRevision revision) => new()
    {
        Revision_ = revision.Revision,
        Time = Timestamp.FromDateTimeOffset(revision.Time),
        Who = revision.Who,
        Reason = revision.Reason,
        Changes = { revision.Differences.Select(PolicyMapper.Of) },
    };
}
