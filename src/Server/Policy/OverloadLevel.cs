namespace Relay.Policy;

/// <summary>How refused clients are rejected; each level costs the relay less than the one before.</summary>
internal enum OverloadLevel
{
    /// <summary>The upgrade, then a close frame with the reason, which browsers can read.</summary>
    Normal,

    /// <summary>A status before the upgrade.</summary>
    Elevated,

    /// <summary>The connection is reset before TLS and HTTP.</summary>
    Critical,
}

/// <summary>The names of the levels, in the policy and for operators.</summary>
internal static class OverloadLevels
{
    /// <summary>The policy's value for an overload level that is not pinned.</summary>
    public const string Auto = "auto";

    private static readonly string[] Names = ["normal", "elevated", "critical"];

    public static string Name(OverloadLevel level) => Names[(int)level];

    /// <summary>The higher of two levels, and not above <paramref name="max"/>.</summary>
    public static OverloadLevel Clamp(OverloadLevel one, OverloadLevel other, OverloadLevel max)
    {
        var higher = one > other ? one : other;
        return higher < max ? higher : max;
    }

    /// <summary>Reads "auto" (then <paramref name="pinned"/> is null) or a level's name.</summary>
    public static bool TryParse(string text, out OverloadLevel? pinned)
    {
        var index = Array.IndexOf(Names, text);
        pinned = index < 0 ? null : (OverloadLevel)index;
        return index >= 0 || text == Auto;
    }
}
