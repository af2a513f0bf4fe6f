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
    private readonly FairPool<PeerLink> _unproven = new();
    private readonly FairPool<PeerLink> _authenticated = new();
    private readonly Dictionary<string, PeerLink> _proven = new(StringComparer.Ordinal);

    public int PendingCount
    {
        get
        {
            lock (_lock)
            {
                return _unproven.Count;
            }
        }
    }

    public int AuthenticatedCount
    {
        get
        {
            lock (_lock)
            {
                return _proven.Count;
            }
        }
    }

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
            if (_unproven.CountOf(key) >= options.MaxUnprovenPerIp
                || !CouldAdd(_authenticated, entered, options.MaxPeers)
                || !TryAdd(_unproven, entered, options.MaxUnproven, out displaced))
            {
                return false;
            }

            link = entered;
            return true;
        }
    }

    /// <summary>
    /// Makes a link the one of its server. When two servers dial each other, both keep the link that the one with the
    /// greater id has dialled: the lesser id refuses a second link, the greater id gives up <paramref name="replaced"/>.
    /// <paramref name="displaced"/> has lost its slot to the link. The caller closes both.
    /// </summary>
    public CloseReason TryProve(PeerLink link, PeerHandshake peer, string ownServerId, out PeerLink? replaced, out PeerLink? displaced)
    {
        lock (_lock)
        {
            (replaced, displaced) = (null, null);
            if (link.State != PeerLinkState.Pending)
            {
                return CloseReason.PeerLimit;
            }

            if (_proven.TryGetValue(peer.ServerId, out var old))
            {
                // The one before the old may still be closing: a server has at most two sockets at a time.
                if (string.CompareOrdinal(ownServerId, peer.ServerId) < 0 || old.Replaced is { State: not PeerLinkState.Gone })
                {
                    return CloseReason.DuplicateLink;
                }

                old.Replaced = null;
                replaced = old;
                _authenticated.Remove(old.Place!);
            }

            var pending = link.Place!;
            if (!TryAdd(_authenticated, link, options.MaxPeers, out displaced))
            {
                link.Place = pending;
                return CloseReason.PeerLimit;
            }

            _unproven.Remove(pending);
            link.State = PeerLinkState.Authenticated;
            link.Peer = peer;
            link.Replaced = replaced;
            _proven[peer.ServerId] = link;
            return CloseReason.None;
        }
    }

    /// <summary>Gives the link's place back; a second time, nothing.</summary>
    public void Leave(PeerLink link)
    {
        lock (_lock)
        {
            LeavePlace(link);
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
            return [.. _unproven.Items];
        }
    }

    /// <summary>Authenticated peers as they are now, by server id.</summary>
    public IReadOnlyList<PeerSnapshot> Snapshot()
    {
        PeerLink[] links;
        lock (_lock)
        {
            links = [.. _proven.Values];
        }

        var now = time.GetUtcNow();
        return [.. links.Select(link => PeerSnapshot.Of(link, now, time)).OrderBy(peer => peer.ServerId, StringComparer.Ordinal)];
    }

    private void LeavePlace(PeerLink link)
    {
        var pool = link.State == PeerLinkState.Pending ? _unproven : _authenticated;
        pool.Remove(link.Place!);

        // Only its own entry: a link that was replaced ends after its successor came in.
        if (link.Peer is { } peer && _proven.GetValueOrDefault(peer.ServerId) == link)
        {
            _proven.Remove(peer.ServerId);
        }

        link.State = PeerLinkState.Gone;
        link.Replaced = null;
    }

    // False when the pool is full and nobody holds more of it than the link's own address then would.
    private bool TryAdd(FairPool<PeerLink> pool, PeerLink link, int max, out PeerLink? displaced)
    {
        displaced = null;
        link.Place = pool.Add(link.Key, 1, link);
        if (pool.Count <= max)
        {
            return true;
        }

        var oldest = pool.Surplus(link.Place).First!.Value;
        if (oldest.Holder == link.Key)
        {
            pool.Remove(link.Place);
            return false;
        }

        displaced = oldest.Item;
        LeavePlace(displaced);
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
