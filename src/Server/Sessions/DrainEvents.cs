using Relay.Events;

namespace Relay.Sessions;

/// <summary>A drain begins, or goes on at another pace or for somebody else.</summary>
/// <param name="Rate">Clients a second.</param>
internal sealed record DrainStarted(int Clients, int Rate, TimeSpan Deadline) : RelayEvent
{
    public override string Kind => "drain_started";

    public override string Text => FormattableString.Invariant(
        $"Drain started: new connections are rejected, {Clients} clients are disconnected at {Rate} a second, within {Deadline} at the latest");
}

/// <summary>No client is left.</summary>
/// <param name="StartedBy">Whose drain it was.</param>
internal sealed record DrainEnded(int Closed, string StartedBy) : RelayEvent
{
    public override string Kind => "drain_ended";

    public override string Text => FormattableString.Invariant($"Drain started by {StartedBy} ended: {Closed} clients were disconnected, none is left");

    public override RelayChange Change => new("Drained", FormattableString.Invariant($"disconnected={Closed}"), "", "no client is left");
}

/// <summary>New connections are accepted again.</summary>
internal sealed record DrainCancelled(int Closed) : RelayEvent
{
    public override string Kind => "drain_cancelled";

    public override string Text => FormattableString.Invariant($"Drain cancelled after {Closed} clients were disconnected: new connections are accepted");
}

/// <summary>An operator had clients disconnected.</summary>
internal sealed record ClientsDisconnected(int Count) : RelayEvent
{
    public override string Kind => "disconnected";

    public override string Text => Count == 1 ? "1 client disconnected" : FormattableString.Invariant($"{Count} clients disconnected");
}
