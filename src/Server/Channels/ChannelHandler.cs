using Relay.Presence;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>channel-owner-register, channel-subscribe and upstream-message.</summary>
internal sealed class ChannelHandler
{
    /// <summary>Called when a client has subscribed and has been told so: what else it should hear of the channel.</summary>
    public Action<Client, string>? Subscribed { get; set; }

    public void RegisterOwner(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Subscribe(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void SendUpstream(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
