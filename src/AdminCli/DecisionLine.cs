using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A decision as one line: when, what, who, and the counts and limits that it was made from.</summary>
internal static class DecisionLine
{
    public static string Format(DecisionEntry decision)
    {
        var time = Units.ExactTime(decision.Time);
        var outcome = decision.Outcome == "admitted" ? decision.Outcome : $"refused {Printable.Clean(decision.Outcome)}";
        var key = decision.Key == decision.Address ? "" : $" counted as {Printable.Clean(decision.Key)}";
        return $"{time} {outcome} {Printable.Clean(decision.Address)}{key}  {string.Join("  ", Details(decision))}";
    }

    private static IEnumerable<string> Details(DecisionEntry decision)
    {
        yield return $"{(decision.Key.StartsWith("subject ", StringComparison.Ordinal) ? "per-subject" : "per-ip")} {Of(decision.Connections, decision.ConnectionsLimit)}";
        if (decision.NearNetwork.Length > 0)
        {
            yield return $"{Printable.Clean(decision.NearNetwork)} {Of(decision.Near, decision.NearLimit)}";
        }

        if (decision.FarNetwork.Length > 0)
        {
            yield return $"{Printable.Clean(decision.FarNetwork)} {Of(decision.Far, decision.FarLimit)}";
        }

        yield return $"total {Of(decision.Total, decision.TotalLimit)}";
        if (decision.Shadow.Length > 0)
        {
            yield return $"shadow {Printable.Clean(decision.Shadow)}";
        }

        if (decision.Suppressed > 0)
        {
            yield return $"({Units.Count(decision.Suppressed)} similar not shown)";
        }
    }

    // Without separators: scripts compare them.
    private static string Of(long count, long limit) => limit == 0 ? FormattableString.Invariant($"{count}") : FormattableString.Invariant($"{count}/{limit}");
}
