using System.Globalization;
using Relay.AdminApi;

namespace Relay.AdminCli;

/// <summary>A decision as one line: when, who, what, and the counts that it was made from.</summary>
internal static class DecisionLine
{
    public static string Format(DecisionEntry decision)
    {
        var time = decision.Time?.ToDateTimeOffset().ToString("HH:mm:ss.fff", CultureInfo.InvariantCulture) ?? Units.Unknown;
        var networks = decision.Near + decision.Far > 0 ? $" networks={decision.Near}/{decision.Far}" : "";
        var shadow = decision.Shadow.Length > 0 ? $" shadow={Printable.Clean(decision.Shadow)}" : "";
        var leftOut = decision.Suppressed > 0 ? $" (+{Units.Count(decision.Suppressed)} left out)" : "";
        return $"{time} {Printable.Clean(decision.Outcome)} {Printable.Clean(decision.Address)}"
            + $" key={Printable.Clean(decision.Key)} connections={decision.Connections}{networks} total={decision.Total}{shadow}{leftOut}";
    }
}
