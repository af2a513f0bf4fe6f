namespace Relay.Rendezvous;

/// <summary>The SQL of meeting points.</summary>
internal sealed class RendezvousStore
{
    public RendezvousFigures Figures() => throw new NotImplementedException();
}
