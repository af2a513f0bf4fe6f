using Relay.AdminApi;

namespace Relay.AdminCli.Top;

/// <summary>What happens to the screen from outside, one after the other.</summary>
internal abstract record TopEvent
{
    internal sealed record Snapshot(Stats Stats) : TopEvent;

    /// <param name="View">What was asked for.</param>
    /// <param name="Asked">By a key and not by the clock: shown also on a screen that is paused.</param>
    internal sealed record Listed(TopView View, bool Asked, ListIpsResponse Ips) : TopEvent;

    /// <summary>The relay does not list that.</summary>
    internal sealed record NotListed(TopView View, StatsRow.Part Why) : TopEvent;

    /// <summary>What one read gave: pressed, pasted, or repeated while a write stalled.</summary>
    internal sealed record Keys(IReadOnlyList<TopKey> Pressed) : TopEvent;

    /// <summary>What came of what the operator said yes to.</summary>
    internal sealed record Done(StatsRow.Part Outcome) : TopEvent;

    /// <summary>Another size, or back from the shell.</summary>
    internal sealed record Changed : TopEvent;

    internal sealed record Quit : TopEvent;

    /// <summary>The relay has been gone for so long; it is being called again.</summary>
    internal sealed record Disconnected(TimeSpan Lost) : TopEvent;

    /// <summary>There will be no more snapshots.</summary>
    internal sealed record Ended(Exception Failure) : TopEvent;
}
