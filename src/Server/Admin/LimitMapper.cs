using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;

namespace Relay.Admin;

/// <summary>The limits that a decision looks at, as messages of the contract.</summary>
internal static class LimitMapper
{
    public static LimitCheck Of(RuleRow row, Func<IpKey, string> shown) => new()
    {
        Name = row.Name,
        Key = row.Key is { } key ? shown(key) : "",
        Connections = row.Count,
        Limit = row.Limit == int.MaxValue ? 0 : row.Limit,
        Rule = row.Rule,
        Reached = row.IsReached,
        Remote = row.Remote,
    };
}
