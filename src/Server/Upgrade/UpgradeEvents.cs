using Relay.Events;

namespace Relay.Upgrade;

/// <summary>This process has taken the place of another one.</summary>
/// <param name="Before">The other's version.</param>
/// <param name="Now">This one's.</param>
/// <param name="AskedBy">Who had the other one do it.</param>
internal sealed record Upgraded(string Before, string Now, string AskedBy) : RelayEvent
{
    public override string Kind => "upgraded";

    public override string Text => $"Took over from relayd {Before}, as {AskedBy} asked; this is {Now}";

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
internal sealed record HandedOver(int ProcessId, string Version) : RelayEvent
{
    public override string Kind => "handed_over";

    public override string Text => FormattableString.Invariant($"Upgrade: process {ProcessId}, relayd {Version}, has taken over; this one disconnects its clients and ends");
}

/// <summary>The new process did not take over, and this one goes on as before.</summary>
internal sealed record UpgradeFailed(string Problem) : RelayEvent
{
    public override string Kind => "upgrade_failed";

    public override string Text => $"Upgrade failed, this process goes on as before: {Problem}";

    public override LogLevel Level => LogLevel.Error;

    public override RelayChange Change => new("UpgradeFailed", "", "", Problem);
}
