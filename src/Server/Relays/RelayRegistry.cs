using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Relay.Clients;
using Relay.Protocol;

namespace Relay.Relays;

/// <summary>
/// Peers that offer to relay, and the choice among them. Any client may ask for relays, so a choice costs what it returns
/// and not what is registered: those that are not busy stand in one list, of which only the head is shuffled.
/// </summary>
/// <param name="random">The choice must be unpredictable: an attacker could otherwise place its own relays in it.</param>
internal sealed class RelayRegistry(RelayOptions options, TimeProvider time, RandomNumberGenerator random)
{
    /// <summary>Max relays in one answer.</summary>
    public const int MaxOffered = 100;

    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, RelayEntry> _relays = new(StringComparer.Ordinal);
    private readonly List<RelayEntry> _offered = [];

    /// <summary>Enters a relay, or refreshes it: a socket's own entry keeps its load and the time of its registration.</summary>
    public void Register(Client owner, string peerId, string? publicKey, double maxConnections)
    {
        lock (_lock)
        {
            var now = time.GetUtcNow();
            if (Find(owner, peerId) is not { } entry)
            {
                entry = new RelayEntry(owner, peerId, now);
                if (_relays.GetValueOrDefault(peerId) is { } former)
                {
                    Withdraw(former);
                }

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
    /// At most <paramref name="count"/> of the relays that are not busy, at random, in random order, without the two that are
    /// named. The count is at most <see cref="MaxOffered"/>.
    /// </summary>
    public IReadOnlyList<RelayOffer> Choose(int count, string? self, string? other)
    {
        Span<ulong> draws = stackalloc ulong[count];
        random.GetBytes(MemoryMarshal.AsBytes(draws));
        lock (_lock)
        {
            var free = _offered.Count;
            SetAside(self, ref free);
            SetAside(other, ref free);
            var chosen = new RelayOffer[Math.Min(count, free)];
            for (var i = 0; i < chosen.Length; i++)
            {
                // The upper half of draw × range is below the range, and as good as uniform: the range is tiny beside 2^64.
                Swap(i, i + (int)Math.BigMul(draws[i], (ulong)(free - i), out _));
                chosen[i] = _offered[i].Offer;
            }

            return chosen;
        }
    }

    public RelayCounts Counts()
    {
        lock (_lock)
        {
            return new RelayCounts(_relays.Count, _offered.Count);
        }
    }

    /// <summary>All relays, in no order.</summary>
    public IReadOnlyList<RelaySnapshot> Snapshot()
    {
        lock (_lock)
        {
            return [.. _relays.Values.Select(entry => new RelaySnapshot(
                entry.PeerId,
                entry.Owner.Session.Key,
                entry.ConnectedCount,
                entry.MaxConnections,
                entry.Index != RelayEntry.NotOffered,
                entry.RegisteredAt,
                entry.LastSeen))];
        }
    }

    private RelayEntry? Find(Client owner, string peerId) =>
        _relays.GetValueOrDefault(peerId) is { } entry && entry.Owner == owner ? entry : null;

    private void Refresh(RelayEntry entry)
    {
        entry.Offer = new RelayOffer(entry.PeerId, entry.PublicKey, entry.ConnectedCount / entry.MaxConnections);
        var isBusy = entry.ConnectedCount * 100 >= entry.MaxConnections * options.BusyAtPercent;
        if (isBusy)
        {
            Withdraw(entry);
        }
        else if (entry.Index == RelayEntry.NotOffered)
        {
            entry.Index = _offered.Count;
            _offered.Add(entry);
        }
    }

    private void Withdraw(RelayEntry entry)
    {
        if (entry.Index != RelayEntry.NotOffered)
        {
            Swap(entry.Index, _offered.Count - 1);
            _offered.RemoveAt(_offered.Count - 1);
            entry.Index = RelayEntry.NotOffered;
        }
    }

    /// <summary>Moves a relay that must not be chosen behind those that may, unless it is there already.</summary>
    private void SetAside(string? peerId, ref int free)
    {
        if (peerId is not null && _relays.TryGetValue(peerId, out var entry) && entry.Index != RelayEntry.NotOffered && entry.Index < free)
        {
            Swap(entry.Index, --free);
        }
    }

    private void Swap(int a, int b)
    {
        (_offered[a], _offered[b]) = (_offered[b], _offered[a]);
        _offered[a].Index = a;
        _offered[b].Index = b;
    }
}
