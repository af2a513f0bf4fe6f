using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>
/// Peers that offer to relay, and the choice among them and those that other relays of the cluster have told of. Any client may ask for relays, so
/// a choice costs what it returns and not what is registered: see <see cref="RelayPool"/>.
/// </summary>
/// <param name="random">The choice must be unpredictable: an attacker could otherwise place its own relays in it.</param>
/// <param name="isInCluster">Other relays are told of some.</param>
internal sealed partial class RelayRegistry(RelayOptions options, TimeProvider time, RandomNumberGenerator random, bool isInCluster = false)
{
    /// <summary>Max relays in one answer.</summary>
    public const int MaxOffered = 100;

    /// <summary>Max bytes of them: a hundred with usual names and keys.</summary>
    public const int MaxOfferedBytes = 16_384;

    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, RelayEntry> _relays = new(StringComparer.Ordinal);
    private readonly RelayPool _offered = new();
    private readonly RelayPool _own = new();
    private readonly RemoteOffers _remote = new();

    /// <summary>Relays of other nodes of the cluster that are offered here.</summary>
    public int Remote
    {
        get
        {
            lock (_lock)
            {
                return _remote.Count;
            }
        }
    }

    /// <summary>Enters a relay, or refreshes it: a socket's own entry keeps its load and the time of its registration.</summary>
    public void Register(Client owner, IpKey address, string peerId, string? publicKey, double maxConnections)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (Find(owner, peerId) is not { } entry)
            {
                entry = new RelayEntry(owner, address, peerId, now) { OwnPlace = isInCluster ? new RelayPlace(address) : null };
                if (_relays.GetValueOrDefault(peerId) is { } former)
                {
                    Withdraw(former);
                }

                _remote.Remove(_offered, peerId);

                _relays[peerId] = entry;
            }

            entry.PublicKey = publicKey;
            entry.MaxConnections = maxConnections;
            entry.LastSeen = now;
            Refresh(entry);
        }
    }

    /// <summary>Takes a relay's new load; false when the socket is not this relay.</summary>
    public bool TryUpdateLoad(Client owner, string peerId, double connectedCount)
    {
        lock (_lock)
        {
            if (Find(owner, peerId) is not { } entry)
            {
                return false;
            }

            entry.ConnectedCount = connectedCount;
            entry.LastSeen = time.GetUtcNow();
            Refresh(entry);
            return true;
        }
    }

    /// <summary>The relay was heard from; false when the socket is not this relay.</summary>
    public bool TryTouch(Client owner, string peerId)
    {
        lock (_lock)
        {
            if (Find(owner, peerId) is not { } entry)
            {
                return false;
            }

            entry.LastSeen = time.GetUtcNow();
            return true;
        }
    }

    /// <summary>Removes the socket's relay. Another socket's under the same peer id stays.</summary>
    public void Remove(Client owner, string peerId)
    {
        lock (_lock)
        {
            if (Find(owner, peerId) is { } entry)
            {
                Withdraw(entry);
                _relays.Remove(peerId);
            }
        }
    }

    /// <summary>
    /// At most <paramref name="count"/> of the relays that are not busy, and of <see cref="MaxOfferedBytes"/> together, at random, in
    /// random order, without the two that are named. The count is at most <see cref="MaxOffered"/>.
    /// </summary>
    public IReadOnlyList<RelayOffer> Choose(int count, string? self, string? other)
    {
        Span<ulong> draws = stackalloc ulong[RelayPool.DrawsOf(count)];
        random.GetBytes(MemoryMarshal.AsBytes(draws));
        lock (_lock)
        {
            return _offered.Choose(count, MaxOfferedBytes, draws, PlaceOf(self), PlaceOf(other)).ConvertAll(relay => relay.Offer);
        }
    }

    /// <summary>The same of this relay's clients only, for the other relays of the cluster, with what their addresses count by.</summary>
    public List<(RelayOffer Offer, IpKey Address)> Sample(int count)
    {
        Span<ulong> draws = stackalloc ulong[RelayPool.DrawsOf(count)];
        random.GetBytes(MemoryMarshal.AsBytes(draws));
        lock (_lock)
        {
            return _own.Choose(count, MaxOfferedBytes, draws, null, null).ConvertAll(relay => (relay.Offer, relay.Address));
        }
    }

    /// <summary>What another relay of the cluster offers now, instead of what it did before. A client of this relay is offered as its own.</summary>
    public void SetRemote(ulong epoch, IEnumerable<(RelayOffer Offer, IpKey Address)> offers)
    {
        lock (_lock)
        {
            _remote.Set(_offered, epoch, offers.Where(offer => !_relays.ContainsKey(offer.Offer.PeerId)), time.GetTimestamp());
        }
    }

    /// <summary>That relay is gone.</summary>
    public void RemoveRemote(ulong epoch)
    {
        lock (_lock)
        {
            _remote.Remove(_offered, epoch);
        }
    }

    /// <summary>Removes what other relays have not offered again within this time.</summary>
    public void ExpireRemote(TimeSpan lifetime)
    {
        lock (_lock)
        {
            _remote.RemoveWhere(_offered, at => time.GetElapsedTime(at) >= lifetime);
        }
    }

    public RelayCounts Counts()
    {
        lock (_lock)
        {
            return new RelayCounts(_relays.Count, _offered.Count - _remote.Count);
        }
    }

    /// <summary>All relays, in no order.</summary>
    public IReadOnlyList<RelaySnapshot> Snapshot()
    {
        lock (_lock)
        {
            return [.. _relays.Values.Select(entry => new RelaySnapshot(
                entry.PeerId,
                entry.Address,
                entry.ConnectedCount,
                entry.MaxConnections,
                entry.IsOffered,
                entry.RegisteredAt,
                entry.LastSeen))];
        }
    }

    private RelayEntry? Find(Client owner, string peerId) =>
        _relays.GetValueOrDefault(peerId) is { } entry && entry.Owner == owner ? entry : null;

    private RelayPlace? PlaceOf(string? peerId) =>
        peerId is null ? null : _relays.GetValueOrDefault(peerId)?.Place ?? _remote.Find(peerId);

    private void Refresh(RelayEntry entry)
    {
        var offer = new RelayOffer(entry.PeerId, entry.PublicKey, entry.ConnectedCount / entry.MaxConnections);
        entry.Place.Set(offer);
        entry.OwnPlace?.Set(offer);
        var isBusy = entry.ConnectedCount * 100 >= entry.MaxConnections * options.BusyAtPercent;
        if (isBusy)
        {
            Withdraw(entry);
        }
        else if (!entry.IsOffered)
        {
            _offered.Add(entry.Place);
            if (entry.OwnPlace is { } own)
            {
                _own.Add(own);
            }
        }
    }

    private void Withdraw(RelayEntry entry)
    {
        _offered.Remove(entry.Place);
        if (entry.OwnPlace is { } own)
        {
            _own.Remove(own);
        }
    }
}
