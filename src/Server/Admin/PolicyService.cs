using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>The gRPC service of the limit policy: request, one call, reply.</summary>
internal sealed class PolicyService(
    LimitPolicyStore policies, PolicyChanges changes, ChangeOutcome outcome, ConnectionLedger ledger, OverloadMonitor overload, BanCommands bans) : AdminApi.PolicyService.PolicyServiceBase
{
    public override Task<EffectivePolicy> GetPolicy(GetPolicyRequest request, ServerCallContext context)
    {
        var overview = policies.Overview();
        var items = overview.Current.Items;
        var shadow = ledger.ShadowTotals();
        var ceiling = ledger.Totals().Ceiling;
        return Task.FromResult(new EffectivePolicy
        {
            Revision = overview.Current.Revision,
            Limits = LimitSettingsMapper.Limits(items),
            Overrides = { LimitSettingsMapper.Overrides(items) },
            Bans = items.Rules(PolicyItems.Ban).Count() + items.SubjectBans().Count(),
            Ipv6Prefix = overview.Current.Ipv6Prefix,
            Shadow = overview.Current.Shadow is null ? null : new Shadow
            {
                Limits = LimitSettingsMapper.Limits(items, PolicyItems.Shadow),
                Overrides = { LimitSettingsMapper.Overrides(items, PolicyItems.Shadow) },
                WouldAdmit = shadow.Admits,
                WouldRefuse =
                {
                    Rejections.All.Where(row => shadow.Refused[(int)row.Reason] > 0).ToDictionary(row => row.Label, row => shadow.Refused[(int)row.Reason]),
                },
            },
            Pending = { overview.Pending.Select(PolicyMapper.Of) },
            Changed = { overview.Changed.Where(item => !item.Path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal)).Select(PolicyMapper.Of) },
            JournalFile = policies.KeptIn ?? "",
            Ceiling = ceiling == Ceiling.None ? 0 : ceiling.Value,
            CeilingCause = ceiling.Cause,
            CurrentLevel = OverloadMode.Normal + (int)overload.OverloadLevel,
        });
    }

    public override async Task<ChangePolicyResponse> ChangePolicy(ChangePolicyRequest request, ServerCallContext context)
    {
        var edits = new ItemEdits();
        LimitSettingsMapper.Add(edits, request.Set, "set.");
        LimitSettingsMapper.Add(edits, request.SetOverrides, request.RemoveOverrides, "");
        if (request.Shadow is { } shadow)
        {
            LimitSettingsMapper.Add(edits, shadow.Set, "shadow.set.", PolicyItems.Shadow);
            LimitSettingsMapper.Add(edits, shadow.SetOverrides, shadow.RemoveOverrides, "shadow.", PolicyItems.Shadow);
        }

        edits.ThrowIfWrong();
        if (edits.Items.Count == 0)
        {
            throw AdminErrors.Invalid(("set", "give limits to set, or overrides to set or remove"));
        }

        return await outcome.OfAsync(await changes.MakeAsync(PolicyMapper.Change(edits.Items, request.Options, context), edits.InField), request.Options, context);
    }

    public override async Task<ChangePolicyResponse> ResetPolicy(ResetPolicyRequest request, ServerCallContext context)
    {
        if (request.All == (request.Items.Count > 0))
        {
            throw AdminErrors.Invalid(("items", "give items, or all alone"));
        }

        var current = policies.Current;
        var overview = policies.Overview();
        var all = overview.Changed.Select(item => item.Path).Concat(overview.Pending.SelectMany(pending => pending.Differences).Select(difference => difference.Path))
            .Where(path => !path.StartsWith(PolicyItems.Ban, StringComparison.Ordinal));
        var change = PolicyMapper.Change(new Dictionary<string, string?>(), request.Options, context) with { Reset = request.All ? [.. all] : request.Items };
        return await outcome.OfAsync(
            await changes.MakeAsync(request.All ? Unless(current, change) : change, error => ("items", $"{error.Item1}: {error.Item2}")), request.Options, context);
    }

    public override async Task<ConfirmPolicyResponse> ConfirmPolicy(ConfirmPolicyRequest request, ServerCallContext context)
    {
        IReadOnlyList<long> confirmed;
        try
        {
            confirmed = await policies.ConfirmAsync(request.Revision == 0 ? null : request.Revision, AdminCaller.Of(context).Who);
        }
        catch (IOException exception)
        {
            throw AdminErrors.NotWritten(exception.Message);
        }

        if (confirmed.Count == 0)
        {
            throw AdminErrors.Precondition(request.Revision == 0
                ? "no change waits for a confirmation; it may have been reverted, see `relayctl limits history`"
                : $"revision {request.Revision} does not wait for a confirmation; it may have been reverted, see `relayctl limits history`");
        }

        AdminCaller.Of(context).Changed(null, $"confirmed={string.Join(',', confirmed)}");
        return new ConfirmPolicyResponse { Revision = policies.Current.Revision, Confirmed = { confirmed } };
    }

    public override Task<ListRevisionsResponse> ListRevisions(ListRevisionsRequest request, ServerCallContext context)
    {
        var page = new Page(request.PageSize, request.PageToken, "");
        page.ThrowIfWrong();
        var history = policies.Overview().History;
        return Task.FromResult(new ListRevisionsResponse
        {
            Revisions = { page.Of(history, (a, b) => b.Revision.CompareTo(a.Revision)).Select(PolicyMapper.Of) },
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

    public override async Task<ChangePolicyResponse> RollbackPolicy(RollbackPolicyRequest request, ServerCallContext context)
    {
        var options = request.Options ?? new ChangeOptions();
        options.Reason = options.Reason.Length > 0 ? options.Reason : $"back to revision {request.Revision}";
        var change = PolicyMapper.Change(new Dictionary<string, string?>(), options, context) with { RollbackTo = request.Revision };
        return await outcome.OfAsync(await changes.MakeAsync(change), options, context);
    }

    public override async Task<ChangePolicyResponse> PromoteShadow(ShadowRequest request, ServerCallContext context)
    {
        var current = policies.Current;
        var edits = new Dictionary<string, string?>();
        foreach (var path in ShadowItems(current))
        {
            edits[path] = null;
            edits[path[PolicyItems.Shadow.Length..]] = current.Items[path];
        }

        return await outcome.OfAsync(await changes.MakeAsync(Unless(current, PolicyMapper.Change(edits, request.Options, context))), request.Options, context);
    }

    public override async Task<ChangePolicyResponse> ClearShadow(ShadowRequest request, ServerCallContext context)
    {
        var current = policies.Current;
        var edits = ShadowItems(current).ToDictionary(path => path, _ => (string?)null);
        return await outcome.OfAsync(await changes.MakeAsync(Unless(current, PolicyMapper.Change(edits, request.Options, context))), request.Options, context);
    }

    public override Task<BanResponse> Ban(BanRequest request, ServerCallContext context) => bans.BanAsync(request, AdminCaller.Of(context));

    public override Task<UnbanResponse> Unban(UnbanRequest request, ServerCallContext context) => bans.UnbanAsync(request, AdminCaller.Of(context));

    public override Task<ListBansResponse> ListBans(ListBansRequest request, ServerCallContext context) => Task.FromResult(bans.List(request));

    // Decided from the policy as it was when it was looked at.
    private static PolicyChange Unless(LimitPolicy looked, PolicyChange change) =>
        change with { ExpectedRevision = change.ExpectedRevision ?? looked.Revision };

    private static List<string> ShadowItems(LimitPolicy policy)
    {
        var paths = policy.Items.All.Select(item => item.Key).Where(path => path.StartsWith(PolicyItems.Shadow, StringComparison.Ordinal)).ToList();
        return paths.Count > 0 ? paths : throw AdminErrors.Precondition("there is no shadow");
    }

    private static PolicyRevision Find(PolicyOverview overview, long revision) => revision == 0
        ? overview.History[^1]
        : overview.History.FirstOrDefault(entry => entry.Revision == revision) ?? throw AdminErrors.NotRemembered(revision);
}
