using Relay.Presence;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>stream-start, stream-frame and stream-end.</summary>
internal sealed class StreamHandler
{
    public void Start(Client client, in ClientMessage message) => throw new NotImplementedException();

    public void Frame(Client client, in ClientMessage message, long receivedAt) => throw new NotImplementedException();

    public void End(Client client, in ClientMessage message) => throw new NotImplementedException();
}
