namespace Relay.Policy;

/// <summary>What becomes of connected clients that a change excludes.</summary>
internal enum Eviction
{
    /// <summary>They stay.</summary>
    None,

    /// <summary>Those above a limit are disconnected, those idle the longest first.</summary>
    Idle,

    /// <summary>Those above a limit are disconnected, those connected last first.</summary>
    Newest,

    /// <summary>Those whom it bans are disconnected.</summary>
    Banned,
}

internal static class Evictions
{
    private static readonly string[] Words = ["", "idle", "newest", "banned"];

    public static string Word(this Eviction eviction) => Words[(int)eviction];

    /// <summary>Throws <see cref="FormatException"/> for a word that this program does not know.</summary>
    public static Eviction Parse(string word) =>
        Array.IndexOf(Words, word) is >= 0 and var found ? (Eviction)found : throw new FormatException($"unknown word '{word}' in column evict");
}
