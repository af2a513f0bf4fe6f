namespace Relay.Relays;

/// <summary>Peers that offer to relay, and the choice among them.</summary>
internal sealed class RelayRegistry
{
    public RelayFigures Figures() => throw new NotImplementedException();

    public IReadOnlyList<RelaySnapshot> Snapshot() => throw new NotImplementedException();
}
