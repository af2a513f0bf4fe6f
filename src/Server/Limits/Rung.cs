namespace Relay.Limits;

/// <summary>How a refused client is told, each cheaper for the relay than the one before.</summary>
internal enum Rung
{
    /// <summary>The upgrade, then a close frame with the reason, which browsers can read.</summary>
    Calm,

    /// <summary>A status before the upgrade.</summary>
    Busy,

    /// <summary>The connection is cut before TLS and HTTP.</summary>
    Flooded,
}

/// <summary>The names of the rungs, in the policy and for operators.</summary>
internal static class Rungs
{
    /// <summary>The policy's word for a ladder that nobody holds.</summary>
    public const string Auto = "auto";

    private static readonly string[] Names = ["calm", "busy", "flooded"];

    public static string Name(Rung rung) => Names[(int)rung];

    /// <summary>Reads "auto" (then <paramref name="pinned"/> is null) or a rung's name.</summary>
    public static bool TryParse(string text, out Rung? pinned)
    {
        var index = Array.IndexOf(Names, text);
        pinned = index < 0 ? null : (Rung)index;
        return index >= 0 || text == Auto;
    }
}
