using Relay.Presence;
using Relay.Protocol;

namespace Relay.Signaling;

/// <summary>link_request and link_response: a browser asks a phone to be linked with it.</summary>
internal sealed class LinkHandler
{
    public void Request(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Respond(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
