namespace Relay.AdminCli.Top;

/// <summary>What a key asks for beyond another state of the screen.</summary>
internal abstract record TopEffect
{
    internal sealed record Quit : TopEffect;

    /// <summary>Back to the shell, as Ctrl-Z does.</summary>
    internal sealed record Suspend : TopEffect;

    /// <summary>The whole screen again, for one that something else has written on.</summary>
    internal sealed record Redraw : TopEffect;

    internal sealed record Kick(string Network) : TopEffect;

    /// <param name="Time">Null: without an end.</param>
    internal sealed record Ban(string Network, TimeSpan? Time) : TopEffect;
}
