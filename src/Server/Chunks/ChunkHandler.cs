using Relay.Presence;
using Relay.Protocol;

namespace Relay.Chunks;

/// <summary>chunk_announce, chunk_request and chunk_push.</summary>
internal sealed class ChunkHandler
{
    public void Announce(Client client, in ClientMessage message) => throw new NotImplementedException();

    public ValueTask RequestAsync(Client client, ClientMessage message) => throw new NotImplementedException();

    public ValueTask PushAsync(Client client, ClientMessage message) => throw new NotImplementedException();

    public void Leave(Client client) => GC.KeepAlive(this);
}
