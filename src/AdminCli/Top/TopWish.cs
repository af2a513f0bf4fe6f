namespace Relay.AdminCli.Top;

/// <summary>What a key asks for beyond another state of the screen.</summary>
internal abstract record TopWish
{
    internal sealed record Quit : TopWish;

    /// <summary>Back to the shell, as Ctrl-Z does.</summary>
    internal sealed record Suspend : TopWish;

    /// <summary>Everything anew, for a screen that something else has written on.</summary>
    internal sealed record Redraw : TopWish;

    internal sealed record Kick(string Network) : TopWish;

    /// <param name="Time">Null: until it is taken back.</param>
    internal sealed record Ban(string Network, TimeSpan? Time) : TopWish;
}
