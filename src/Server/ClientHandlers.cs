using Relay.Attestation;
using Relay.Channels;
using Relay.Chunks;
using Relay.Clients;
using Relay.Relays;
using Relay.Rendezvous;
using Relay.Signaling;

namespace Relay;

/// <summary>The owners of the client messages.</summary>
internal sealed record ClientHandlers(
    PairingHandler Pairing,
    SignalForwarder Signals,
    LinkHandler Links,
    RelayHandler Relays,
    RendezvousHandler Rendezvous,
    ChannelHandler Channels,
    StreamHandler Streams,
    ChunkHandler Chunks,
    AttestationHandler Attestation)
{
    private readonly Action<Client>[] _leaving =
    [
        Pairing.Leave, Links.Leave, Signals.Leave, Relays.Leave, Rendezvous.Leave, Channels.Leave, Chunks.Leave, Attestation.Leave,
    ];

    /// <summary>Every feature forgets a client that is leaving. Its names are still its own. Returns the failures, if any.</summary>
    public AggregateException? Leave(Client client) => RunAll(_leaving, client);

    /// <summary>Runs each, even if an earlier one fails: what a bug in one feature left behind would never be removed.</summary>
    internal static AggregateException? RunAll<T>(IReadOnlyList<Action<T>> actions, T subject)
    {
        List<Exception>? failures = null;
        foreach (var action in actions)
        {
            try
            {
                action(subject);
            }
            catch (Exception exception)
            {
                (failures ??= []).Add(exception);
            }
        }

        return failures is null ? null : new AggregateException(failures);
    }
}
