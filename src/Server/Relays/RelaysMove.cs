using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Relays;

/// <summary>Clients that offer to relay, when they move to another process.</summary>
internal sealed class RelaysMove(RelayRegistry registry) : IMovable
{
    public void Write(Departure departure)
    {
        foreach (var relay in registry.Save(departure.Time).Where(relay => departure.Takes(relay.Session)))
        {
            departure.Write(new MovedPart { Relay = relay });
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.Relay is not { } relay)
        {
            return false;
        }

        if (arrivals.ClientOf(relay.Session) is { } owner)
        {
            registry.Restore(owner, relay, arrivals.Time);
        }

        return true;
    }
}

/// <summary>The registry's part of it.</summary>
internal sealed partial class RelayRegistry
{
    /// <summary>All relays.</summary>
    public IReadOnlyList<MovedRelay> Save(MovedTime moment)
    {
        lock (_lock)
        {
            return [.. _relays.Values.Select(Save)];
        }

        MovedRelay Save(RelayEntry entry)
        {
            var relay = new MovedRelay
            {
                Session = entry.Owner.Session.Id,
                Address = MovedAddresses.ToMessage(entry.Address),
                PeerId = entry.PeerId,
                MaxConnections = entry.MaxConnections,
                ConnectedCount = entry.ConnectedCount,
                Registered = moment.AgeOf(entry.RegisteredAt),
                LastSeen = moment.AgeOf(entry.LastSeen),
            };
            if (entry.PublicKey is { } key)
            {
                relay.PublicKey = key;
            }

            return relay;
        }
    }

    /// <summary>A relay that was registered in another process.</summary>
    public void Restore(Client owner, MovedRelay relay, MovedTime moment)
    {
        lock (_lock)
        {
            var address = MovedAddresses.Read(relay.Address);
            var entry = new RelayEntry(owner, address, relay.PeerId, moment.MomentOf(relay.Registered))
            {
                OwnPlace = isInCluster ? new RelayPlace(address) : null,
                PublicKey = relay.HasPublicKey ? relay.PublicKey : null,
                MaxConnections = relay.MaxConnections,
                ConnectedCount = relay.ConnectedCount,
                LastSeen = moment.MomentOf(relay.LastSeen),
            };
            if (_relays.TryAdd(relay.PeerId, entry))
            {
                Refresh(entry);
            }
        }
    }
}
