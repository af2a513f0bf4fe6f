using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>One limit that was looked at.</summary>
/// <param name="Name">"total", "cluster total", "ceiling", "address", "/24", "/56", "/48", "subject".</param>
/// <param name="Key">The address or network that is counted; null for total and ceiling.</param>
/// <param name="Limit"><see cref="int.MaxValue"/>: none.</param>
/// <param name="Remote">Those of <paramref name="Count"/> that other nodes hold.</param>
/// <param name="Rule">Which item of the policy, or what else, set it.</param>
internal sealed record RuleRow(string Name, IpKey? Key, int Count, int Limit, string Rule, int Remote = 0)
{
    public bool IsReached => Count >= Limit;
}

/// <summary>What <see cref="AdmissionRules"/> looked at, for people. With a trace every row is looked at, also those behind the one that refuses.</summary>
internal sealed class RuleTrace
{
    public List<RuleRow> Rows { get; } = [];

    /// <summary>Until the rate of the key, and of all together, lets one more in; zero: at once.</summary>
    public TimeSpan KeyWait { get; set; }

    public TimeSpan TotalWait { get; set; }

    /// <summary>Adds the row of the limit that refuses with <paramref name="refusal"/>, unless the key lies in no such network.</summary>
    public void Add(Refusal refusal, LimitPolicy policy, in RuleInput input, KeyLimits limits, int count, int limit)
    {
        var key = input.Key;
        var (near, far) = Tiers.NetworksOf(key);
        RuleRow? row = refusal switch
        {
            Refusal.TotalLimit => new RuleRow("total", null, count, limit, PolicyItems.Total),
            Refusal.ClusterTotalLimit => new RuleRow("cluster total", null, count, limit, "Cluster:Total", input.Remote.Total),
            Refusal.Ceiling => limit == int.MaxValue ? null : new RuleRow("ceiling", null, count, limit, input.Ceiling.Cause == "files" ? "limit of open files" : "memory"),
            Refusal.PerIpLimit => new RuleRow("address", key, count, limit, AddressRule(policy, input.Address, limits), input.Remote.Key),
            Refusal.PerSubjectLimit => new RuleRow("subject", input.Subject.Key, count, limit, "the subject's token, or Clients:Auth:PerSubject", input.Subject.Remote),
            Refusal.UnresolvedLimit => new RuleRow("address", key, count, limit, PolicyItems.UnresolvedLimit, input.Remote.Key),
            Refusal.Per24Limit => Network(near, 24, count, limit, $"{PolicyItems.Per24} ({policy.Per24})", input.Remote.Near),
            Refusal.Per56Limit => Network(near, 56, count, limit, $"{PolicyItems.Per56} ({policy.Per56})", input.Remote.Near),
            Refusal.Per48Limit => Network(far, 48, count, limit, $"{PolicyItems.Per48} ({policy.Per48})", input.Remote.Far),
            _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
        };
        if (row is not null)
        {
            Rows.Add(row);
        }
    }

    private static RuleRow? Network(IpKey? network, int length, int count, int limit, string rule, int remote) =>
        network is { } key ? new RuleRow($"/{length}", key, count, limit, rule, remote) : null;

    private static string AddressRule(LimitPolicy policy, IpKey address, KeyLimits limits) =>
        !policy.TryFindOverride(address, out var network, out _) ? PolicyItems.PerIp
        : limits.Kind == OverrideKind.Number ? $"override/{network}"
        : $"override/{network} ({(limits.Kind == OverrideKind.Deny ? "deny" : "unlimited")})";
}
