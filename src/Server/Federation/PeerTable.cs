using System.Diagnostics.CodeAnalysis;
using System.Net;
using Relay.Addresses;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>
/// Every socket of a peer server: the pending ones counted in total and per address, the authenticated ones by server id. Each
/// method is one whole operation under the lock; no session is called from here.
/// </summary>
internal sealed class PeerTable(FederationOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private readonly HashSet<PeerLink> _unproven = [];
    private readonly Dictionary<IpKey, int> _unprovenByKey = [];
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

    /// <summary>Acquires a slot for a pending socket, unless a limit is reached.</summary>
    public bool TryEnter(IPAddress address, IpKey key, [NotNullWhen(true)] out PeerLink? link)
    {
        lock (_lock)
        {
            var ofKey = _unprovenByKey.GetValueOrDefault(key);
            if (_proven.Count >= options.MaxPeers || _unproven.Count >= options.MaxUnproven || ofKey >= options.MaxUnprovenPerIp)
            {
                link = null;
                return false;
            }

            link = new PeerLink(this, address, key, time.GetUtcNow(), time.GetTimestamp());
            _unproven.Add(link);
            _unprovenByKey[key] = ofKey + 1;
            return true;
        }
    }

    /// <summary>
    /// Makes a link the one of its server. When two servers dial each other, both keep the link that the one with the
    /// greater id has dialled: the lesser id refuses a second link, the greater id gives up <paramref name="replaced"/>,
    /// which the caller closes.
    /// </summary>
    public CloseReason TryProve(PeerLink link, PeerHandshake peer, string ownServerId, out PeerLink? replaced)
    {
        lock (_lock)
        {
            replaced = null;
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
            }
            else if (_proven.Count >= options.MaxPeers)
            {
                return CloseReason.PeerLimit;
            }

            LeaveUnproven(link);
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
            if (link.State == PeerLinkState.Pending)
            {
                LeaveUnproven(link);
            }
            else if (link.State == PeerLinkState.Authenticated
                && _proven.TryGetValue(link.Peer!.ServerId, out var current)
                && ReferenceEquals(current, link))
            {
                // Only its own entry: a link that was replaced ends after its successor came in.
                _proven.Remove(link.Peer.ServerId);
            }

            link.State = PeerLinkState.Gone;
            link.Replaced = null;
        }
    }

    public PeerLink[] Pending()
    {
        lock (_lock)
        {
            return [.. _unproven];
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

    private void LeaveUnproven(PeerLink link)
    {
        _unproven.Remove(link);
        if (--_unprovenByKey[link.Key] == 0)
        {
            _unprovenByKey.Remove(link.Key);
        }
    }
}
