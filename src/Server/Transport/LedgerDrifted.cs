using Relay.Events;

namespace Relay.Transport;

/// <summary>The ledger and the open sockets differ, which is a bug in relayd.</summary>
/// <param name="Addresses">Addresses whose counts differ.</param>
internal sealed record LedgerDrifted(int Drift, int Held, int Open, int Addresses) : RelayEvent
{
    public override string Kind => "ledger_drift";

    public override LogLevel Level => LogLevel.Error;

    public override string Text => FormattableString.Invariant(
        $"The ledger drifts from the open sockets by {Drift}: {Held} slots are held, {Open} client sockets are open, {Addresses} addresses differ");
}
