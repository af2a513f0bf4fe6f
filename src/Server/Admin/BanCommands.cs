using Relay.Addresses;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Admission;
using Relay.Clients;
using Relay.Events;
using Relay.Federation;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>Bans as operators see them: their own, which are items of the policy, and those that the relay made.</summary>
internal sealed class BanCommands(
    LimitPolicyStore policies,
    PolicyChanges changes,
    PolicyAcknowledgements nodes,
    AutoBans automatic,
    ProtectedNetworks protectedNetworks,
    SessionTable sessions,
    PacedDisconnector closer,
    RelayEvents events,
    TimeProvider time)
{
    private static readonly TimeSpan Max = TimeSpan.FromDays(3650);

    public async Task<BanResponse> BanAsync(BanRequest request, AdminCaller caller)
    {
        var errors = new List<(string, string)>();
        var target = BanTarget.Read(request.Network, request.Subject, errors);
        var duration = PolicyMapper.Length("duration", request.Duration, Max, errors);
        PolicyMapper.CheckReason(request.Reason, errors);
        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        if (!request.Force && target.Subject is null && protectedNetworks.Why(target.Network.Key, allowPrivate: false) is { } why)
        {
            throw AdminErrors.Precondition($"{target} is protected: {why}; ban a smaller network, or insist with `relayctl ban --force`");
        }

        var ban = new Policy.Ban(ToSecond(time.GetUtcNow() + duration), request.Reason.Trim());
        var edits = new Dictionary<string, string?> { [target.Path] = ban.ToString() };
        var result = await changes.MakeAsync(new PolicyChange(edits, caller.Who, request.Reason)
        {
            DryRun = request.DryRun,
            Ttl = duration,
            Evict = request.Disconnect ? Eviction.Banned : Eviction.None,
        });
        if (!request.DryRun)
        {
            caller.Changed(
                PolicyChanged.Short(result.Differences, difference => difference.Before), PolicyChanged.Short(result.Differences, difference => difference.After));
        }

        var reached = sessions.All.Where(target.Matches).ToList();
        var hit = reached.Where(session => session.State is Client).ToList();
        if (request.Disconnect && !request.DryRun)
        {
            closer.Add([.. hit, .. reached.Where(session => session.State is PeerLink)], CloseReason.Banned);
            events.Publish(new ClientsDisconnected(hit.Count) { Who = caller.Who, Reason = request.Reason });
        }

        return new BanResponse
        {
            Ban = Row(target, ban.Until, ban.Reason, "manual"),
            Connections = hit.Count,
            Disconnected = request.Disconnect ? hit.Count : 0,
            Revision = request.DryRun ? result.Before.Revision : result.After.Revision,
            Warnings = { Warnings(request.DryRun) },
            Nodes = { await ChangeOutcome.InForceAsync(result, request.DryRun, nodes) },
        };
    }

    public async Task<UnbanResponse> UnbanAsync(UnbanRequest request, AdminCaller caller)
    {
        var errors = new List<(string, string)>();
        var target = BanTarget.Read(request.Network, request.Subject, errors);
        PolicyMapper.CheckReason(request.Reason, errors);
        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        var manual = Manual().Where(ban => target.Contains(ban.Target)).ToList();
        var result = default(PolicyResult);
        if (manual.Count > 0)
        {
            result = await changes.MakeAsync(new PolicyChange(manual.ToDictionary(ban => ban.Target.Path, _ => (string?)null), caller.Who, request.Reason));
        }

        var ended = target.Subject is null ? automatic.Remove(target.Network) : [];
        if (ended.Count > 0)
        {
            events.Publish(new AutoBansLifted(target.Network, ended.Count) { Who = caller.Who, Reason = request.Reason });
        }

        caller.Changed(string.Join(' ', manual.Select(ban => $"{ban.Target}").Concat(ended.Select(ban => $"{ban.Network}"))), "-");
        return manual.Count + ended.Count == 0
            ? throw AdminErrors.NotFound(NoBan(target))
            : new UnbanResponse
            {
                Bans =
                {
                    manual.Select(ban => Row(ban.Target, ban.Ban.Until, ban.Ban.Reason, "manual")),
                    ended.Select(Row),
                },
                Revision = policies.Current.Revision,
                Warnings = { Warnings(isDryRun: manual.Count == 0) },
                Nodes = { await ChangeOutcome.InForceAsync(result, isDryRun: false, nodes) },
            };
    }

    public ListBansResponse List(ListBansRequest request)
    {
        var page = new Page(request.PageSize, request.PageToken, request.Cidr);
        var only = page.ReadNetwork(request.Cidr);
        page.ThrowIfWrong();
        var rows = Manual().Select(ban => Row(ban.Target, ban.Ban.Until, ban.Ban.Reason, "manual"))
            .Concat(automatic.All().Select(Row))
            .Where(row => only is null || (IpPrefix.TryParse(row.Network, out var network, out _) && Page.IsInside(network.Key, only)))
            .ToList();
        return new ListBansResponse
        {
            Bans = { page.Of(rows, Order) },
            NextPageToken = page.NextToken(rows.Count),
            TotalSize = rows.Count,
        };
    }

    private IEnumerable<(BanTarget Target, Policy.Ban Ban)> Manual()
    {
        foreach (var (path, text) in policies.Current.Items.All)
        {
            if (BanTarget.OfPath(path) is { } target && Policy.Ban.TryParse(text, out var ban))
            {
                yield return (target, ban with { Until = policies.UntilOf(path) ?? ban.Until });
            }
        }
    }

    // A ban is written in whole seconds, and lasts as long as was asked for at the least.
    private static DateTimeOffset? ToSecond(DateTimeOffset? moment) =>
        moment is { } time ? time.AddTicks((TimeSpan.TicksPerSecond - (time.Ticks % TimeSpan.TicksPerSecond)) % TimeSpan.TicksPerSecond) : null;

    private IEnumerable<string> Warnings(bool isDryRun) => policies.KeptIn is null && !isDryRun ? [PolicyWarnings.InMemoryOnly] : [];

    private string NoBan(BanTarget target)
    {
        var holder = Manual().Where(ban => ban.Target.Contains(target)).Select(ban => $"{ban.Target}").FirstOrDefault();
        return holder is null
            ? $"no ban matches {target}"
            : $"no ban matches {target}; it lies within the ban of {holder}, which can only be lifted as a whole";
    }

    private static int Order(BanEntry a, BanEntry b) =>
        (a.Until is null).CompareTo(b.Until is null) is not 0 and var forever ? forever
        : a.Until is not null && a.Until.CompareTo(b.Until) is not 0 and var until ? until
        : string.CompareOrdinal(a.Network, b.Network) is not 0 and var network ? network
        : string.CompareOrdinal(a.Subject, b.Subject);

    public static BanEntry Row(AutoBan ban) => Row(new BanTarget(ban.Network), ban.Until, $"too many refusals or violations, {ban.Times}. time", "automatic");

    public static BanEntry Row(BanTarget target, DateTimeOffset? until, string reason, string source) => new()
    {
        Network = target.Subject is null ? target.Network.ToString() : "",
        Subject = target.Subject ?? "",
        Until = PolicyMapper.Moment(until),
        Reason = reason,
        Source = source,
    };
}
