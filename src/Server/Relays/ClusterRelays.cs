using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>
/// Tells the other nodes of the cluster every second which of this one's clients offer to relay, a random part of them where there are many, and
/// hears theirs. What a node has offered is forgotten when the node is gone or has not offered it again for a while.
/// </summary>
internal sealed class ClusterRelays(ClusterSubjects subjects, ClusterBus bus, ClusterNodes nodes, RelayRegistry registry) : IHostedService
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    // Of all nodes together: in large clusters each offers less, so that what each hears stays the same.
    private const int Offered = 2_000;
    private const int MinOffered = 2;

    // Periodic work's alone.
    private bool _hasOffered;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        nodes.Gone += OnGone;
        await bus.SubscribeAsync(subjects.All("relays"), Receive);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        nodes.Gone -= OnGone;
        return Task.CompletedTask;
    }

    public void Publish()
    {
        registry.ExpireRemote(ClusterNodes.Silence);
        var offers = registry.Sample(Math.Clamp(Offered / (nodes.Count + 1), MinOffered, RelayRegistry.MaxOffered));
        if (offers.Count > 0 || _hasOffered)
        {
            bus.TrySend(subjects.All("relays"), new Envelope { RelaysOffered = new RelaysOffered { Relays = { offers.Select(ToMessage) } } });
        }

        _hasOffered = offers.Count > 0;
    }

    // Where NATS' connection is read.
    private void Receive(ClusterMessage message)
    {
        if (message.Envelope.RelaysOffered is not { Relays.Count: <= RelayRegistry.MaxOffered } offered || !TryRead(offered, out var offers))
        {
            bus.Refuse(message);
        }
        else if (nodes.IsHere(message.Envelope.Epoch))
        {
            registry.SetRemote(message.Envelope.Epoch, offers);
        }
    }

    // It is raised under the lock of the nodes. What comes after it is forgotten in time.
    private void OnGone(ulong epoch) => _ = Task.Run(() => registry.RemoveRemote(epoch));

    private static OfferedRelay ToMessage((RelayOffer Offer, IpKey Address) relay) => new()
    {
        PeerId = relay.Offer.PeerId,
        PublicKey = relay.Offer.PublicKey ?? "",
        Capacity = relay.Offer.Capacity,
        Address = ClientAddresses.ToMessage(relay.Address),
    };

    private static bool TryRead(RelaysOffered offered, out List<(RelayOffer Offer, IpKey Address)> offers)
    {
        offers = [];
        foreach (var relay in offered.Relays)
        {
            if (!PeerId.IsValid(relay.PeerId) || relay.PublicKey.Length > RelayHandler.MaxKeyLength || relay.Capacity is not (>= 0 and <= 1)
                || !ClientAddresses.TryRead(relay.Address, out var address))
            {
                return false;
            }

            offers.Add((new RelayOffer(relay.PeerId, relay.PublicKey.Length > 0 ? relay.PublicKey : null, relay.Capacity), address));
        }

        return true;
    }
}
