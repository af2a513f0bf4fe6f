using Relay.Events;

namespace Relay.Upgrade;

/// <summary>This process has taken the place of another one.</summary>
/// <param name="Before">The other's version.</param>
/// <param name="Now">This one's.</param>
/// <param name="AskedBy">Who had the other one do it.</param>
/// <param name="Moved">Clients that have moved from there with their connections.</param>
internal sealed record Upgraded(string Before, string Now, string AskedBy, int Moved) : RelayEvent
{
    public override string Kind => "upgraded";

    public override string Text => FormattableString.Invariant($"Took over from relayd {Before}, as {AskedBy} asked; this is {Now}; {Moved} clients have moved");

    public override RelayChange Change => new("Upgraded", $"for={AskedBy}", Before == Now ? "" : Before, Now);
}

/// <summary>Another process is started, to take the place of this one.</summary>
internal sealed record UpgradeStarted : RelayEvent
{
    public override string Kind => "upgrade_started";

    public override string Text => "Upgrade: a new process is started";
}

/// <summary>The new process serves, and this one ends when its clients are gone.</summary>
/// <param name="ProcessId">Of the new one.</param>
/// <param name="Moved">Clients that have moved there with their connections.</param>
/// <param name="Standstill">For so long nothing came from them or went to them.</param>
internal sealed record HandedOver(int ProcessId, string Version, int Moved, TimeSpan Standstill) : RelayEvent
{
    public override string Kind => "handed_over";

    public override string Text => FormattableString.Invariant($"Upgrade: process {ProcessId}, relayd {Version}, has taken over; {Moved} clients have moved in {Standstill.TotalMilliseconds:0} ms; this one disconnects those that are left and ends");
}

/// <summary>The new process did not take over, and this one goes on as before.</summary>
internal sealed record UpgradeFailed(string Problem) : RelayEvent
{
    public override string Kind => "upgrade_failed";

    public override string Text => $"Upgrade failed, this process goes on as before: {Problem}";

    public override LogLevel Level => LogLevel.Error;

    public override RelayChange Change => new("UpgradeFailed", "", "", Problem);
}
