using System.Diagnostics.CodeAnalysis;
using System.Net;
using Relay.Addresses;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Federation;

/// <summary>
/// Every socket of a peer server: the pending ones counted in total and per address, the authenticated ones by server id. A
/// full table makes room by the oldest link of whichever address holds most. Each method is one whole operation under
/// the lock; no session is called from here.
/// </summary>
internal sealed class PeerTable(FederationOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly FairPool<PeerLink> _pendingSlots = new();
    private readonly FairPool<PeerLink> _authenticatedSlots = new();
    private readonly Dictionary<string, PeerLink> _authenticated = new(StringComparer.Ordinal);
    private readonly HashSet<PeerLink> _dialled = [];

    public int PendingCount
    {
        get
        {
            lock (_lock)
            {
                return _pendingSlots.Count;
            }
        }
    }

    public int AuthenticatedCount
    {
        get
        {
            lock (_lock)
            {
                return _authenticated.Count;
            }
        }
    }

    /// <summary>Links that may still be added to those that are authenticated.</summary>
    public int Free => options.MaxPeers - AuthenticatedCount;

    /// <summary>
    /// Acquires a slot for a pending socket, unless a limit is reached. <paramref name="displaced"/> has lost its slot to it:
    /// the caller closes it.
    /// </summary>
    public bool TryEnter(IPAddress address, IpKey key, [NotNullWhen(true)] out PeerLink? link, out PeerLink? displaced)
    {
        lock (_lock)
        {
            (link, displaced) = (null, null);
            var entered = new PeerLink(this, address, key, time.GetUtcNow(), time.GetTimestamp());
            if (_pendingSlots.CountOf(key) >= options.MaxPendingPerIp
                || !CouldAdd(_authenticatedSlots, entered, options.MaxPeers)
                || !TryAdd(_pendingSlots, entered, options.MaxPending, out displaced))
            {
                return false;
            }

            link = entered;
            return true;
        }
    }

    /// <summary>A pending link that this relay has dialled: its dialler sees to it that there are few.</summary>
    public PeerLink EnterDialled(IPAddress address, IpKey key)
    {
        lock (_lock)
        {
            var link = new PeerLink(this, address, key, time.GetUtcNow(), time.GetTimestamp(), isDialled: true);
            _dialled.Add(link);
            return link;
        }
    }

    /// <summary>The authenticated link with this server; null: there is none.</summary>
    public PeerLink? Find(string serverId)
    {
        lock (_lock)
        {
            return _authenticated.GetValueOrDefault(serverId);
        }
    }

    /// <summary>
    /// Makes a link the one of its server. When two servers dial each other, both keep the link that the one with the
    /// lesser id has dialled: the lesser id refuses a second link, the greater id gives up <paramref name="replaced"/>.
    /// <paramref name="displaced"/> has lost its slot to the link. The caller closes both.
    /// </summary>
    public CloseReason TryAuthenticate(PeerLink link, PeerHandshake peer, string ownServerId, out PeerLink? replaced, out PeerLink? displaced)
    {
        lock (_lock)
        {
            (replaced, displaced) = (null, null);
            if (link.State != PeerLinkState.Pending)
            {
                return CloseReason.PeerLimit;
            }

            if (_authenticated.TryGetValue(peer.ServerId, out var old))
            {
                // The one before the old may still be closing: a server has at most two sockets at a time.
                if (link.IsDialled != (string.CompareOrdinal(ownServerId, peer.ServerId) < 0) || old.Replaced is { State: not PeerLinkState.Gone })
                {
                    return CloseReason.DuplicateLink;
                }

                old.Replaced = null;
                replaced = old;
                _authenticatedSlots.Remove(old.Slot!);
            }

            var pending = link.Slot;
            if (!TryAdd(_authenticatedSlots, link, options.MaxPeers, out displaced))
            {
                link.Slot = pending;
                return CloseReason.PeerLimit;
            }

            LeavePending(link, pending);
            link.State = PeerLinkState.Authenticated;
            link.Peer = peer;
            link.Replaced = replaced;
            _authenticated[peer.ServerId] = link;
            return CloseReason.None;
        }
    }

    /// <summary>Releases the link's slot; a second time, nothing.</summary>
    public void Leave(PeerLink link)
    {
        lock (_lock)
        {
            Release(link);
        }
    }

    /// <summary>True when the link has no slot any more.</summary>
    public bool HasLeft(PeerLink link)
    {
        lock (_lock)
        {
            return link.State == PeerLinkState.Gone;
        }
    }

    public PeerLink[] Pending()
    {
        lock (_lock)
        {
            return [.. _pendingSlots.Items, .. _dialled];
        }
    }

    /// <summary>Authenticated peers as they are now, by server id.</summary>
    public IReadOnlyList<PeerSnapshot> Snapshot()
    {
        PeerLink[] links;
        lock (_lock)
        {
            links = [.. _authenticated.Values];
        }

        var now = time.GetUtcNow();
        return [.. links.Select(link => PeerSnapshot.Of(link, now, time)).OrderBy(peer => peer.ServerId, StringComparer.Ordinal)];
    }

    private void Release(PeerLink link)
    {
        if (link.State == PeerLinkState.Authenticated)
        {
            _authenticatedSlots.Remove(link.Slot!);
        }
        else if (link.State == PeerLinkState.Pending)
        {
            LeavePending(link, link.Slot);
        }

        // Only its own entry: a link that was replaced ends after its successor came in.
        if (link.Peer is { } peer && _authenticated.GetValueOrDefault(peer.ServerId) == link)
        {
            _authenticated.Remove(peer.ServerId);
        }

        link.State = PeerLinkState.Gone;
        link.Replaced = null;
    }

    private void LeavePending(PeerLink link, LinkedListNode<Held<PeerLink>>? slot)
    {
        if (slot is not null)
        {
            _pendingSlots.Remove(slot);
        }

        _dialled.Remove(link);
    }

    // False when the pool is full and nobody holds more of it than the link's own address then would.
    private bool TryAdd(FairPool<PeerLink> pool, PeerLink link, int max, out PeerLink? displaced)
    {
        displaced = null;
        link.Slot = pool.Add(link.Key, 1, link);
        if (pool.Count <= max)
        {
            return true;
        }

        var oldest = pool.Surplus(link.Slot).First!.Value;
        if (oldest.Holder == link.Key)
        {
            pool.Remove(link.Slot);
            return false;
        }

        displaced = oldest.Item;
        Release(displaced);
        return true;
    }

    private static bool CouldAdd(FairPool<PeerLink> pool, PeerLink link, int max)
    {
        if (pool.Count < max)
        {
            return true;
        }

        var tried = pool.Add(link.Key, 1, link);
        var holder = pool.Surplus(tried).First!.Value.Holder;
        pool.Remove(tried);
        return holder != link.Key;
    }
}
