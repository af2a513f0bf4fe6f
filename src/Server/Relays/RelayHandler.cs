using Relay.Presence;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>register by peer id, update_load, get_relays and heartbeat.</summary>
internal sealed class RelayHandler
{
    public void Register(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void UpdateLoad(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Offer(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Heartbeat(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
