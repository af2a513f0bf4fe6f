using Relay.Attestation;
using Relay.Channels;
using Relay.Chunks;
using Relay.Presence;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Signaling;

namespace Relay;

/// <summary>The owners of the client messages.</summary>
internal sealed record ClientHandlers(
    PairingHandler Pairing,
    SignalForwarder Signals,
    CallHandler Calls,
    LinkHandler Links,
    RelayHandler Relays,
    RendezvousHandler Rendezvous,
    ChannelHandler Channels,
    StreamHandler Streams,
    ChunkHandler Chunks,
    AttestationHandler Attestation)
{
    /// <summary>Everybody forgets a client that nobody can find any more. Its names are still its own.</summary>
    public void Leave(Client client)
    {
        Pairing.Leave(client);
        Links.Leave(client);
        Signals.Leave(client);
        Relays.Leave(client);
        Rendezvous.Leave(client);
        Channels.Leave(client);
        Chunks.Leave(client);
        Attestation.Leave(client);
    }
}
