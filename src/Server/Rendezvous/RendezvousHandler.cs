using Relay.Presence;
using Relay.Protocol;

namespace Relay.Rendezvous;

/// <summary>register_rendezvous.</summary>
internal sealed class RendezvousHandler
{
    public ValueTask RegisterAsync(Client client, ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
