namespace Relay.Federation.Gossip;

/// <summary>What we know of a member, by what we saw ourselves.</summary>
internal enum MemberState
{
    /// <summary>Known by the word of others; there was no link yet.</summary>
    Unknown,

    /// <summary>It has an authenticated link, or had one less than half a minute ago and answers through others.</summary>
    Alive,

    /// <summary>It does not answer; it has two seconds to do so.</summary>
    Suspect,

    /// <summary>It did not answer. It is dialled for half an hour, then forgotten.</summary>
    Failed,

    /// <summary>It said that it leaves.</summary>
    Left,
}

/// <summary>The states as they are written on the wire.</summary>
internal static class MemberStates
{
    private static readonly string[] Names = ["unknown", "alive", "suspect", "failed", "left"];

    public static string Name(this MemberState state) => Names[(int)state];

    /// <summary>A text that is none of the names is <see cref="MemberState.Unknown"/>.</summary>
    public static MemberState Parse(string? name) => (MemberState)Math.Max(0, Array.IndexOf(Names, name));
}
