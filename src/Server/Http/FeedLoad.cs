using Relay.AdminApi;

namespace Relay.Http;

/// <summary>How near the relay is to what it admits, as the admin page of the reference server has it.</summary>
internal readonly record struct FeedLoad(string Level, string Message)
{
    public const string Normal = "normal";
    public const string Warning = "warning";
    public const string Critical = "critical";

    private const double HighShare = 0.8;
    private const double FullShare = 0.95;

    public static FeedLoad Of(Stats stats)
    {
        var share = stats.Capacity.EffectiveTotal > 0 ? (double)stats.Connections.Current / stats.Capacity.EffectiveTotal : 0;
        return stats.Overload.Level == "critical" ? new(Critical, "Overload: clients are rejected by resetting their connections")
            : share >= FullShare ? new(Critical, $"{Text(stats)}: new ones will be rejected")
            : stats.Pairing.CollisionRisk == "high" ? new(Critical, "Many pairing codes are in use: new ones often collide")
            : stats.Overload.Level == "elevated" ? new(Warning, "Overload: clients are rejected before the upgrade")
            : share >= HighShare ? new(Warning, Text(stats))
            : stats.Pairing.CollisionRisk == "medium" ? new(Warning, "Many pairing codes are in use")
            : new(Normal, "");
    }

    private static string Text(Stats stats) =>
        FormattableString.Invariant($"{stats.Connections.Current:#,0} of {stats.Capacity.EffectiveTotal:#,0} client connections are in use");
}
