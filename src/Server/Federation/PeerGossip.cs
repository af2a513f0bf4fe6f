using Relay.Federation.Gossip;
using Relay.Protocol;

namespace Relay.Federation;

/// <summary>
/// The membership and its links: what comes in is told to it, one call at a time, and what it wants done is done after each call,
/// outside its lock. Thread-safe.
/// </summary>
internal sealed partial class PeerGossip(
    Membership membership,
    GossipWriter writer,
    FederationOptions options,
    PeerTargets targets,
    FederationRing ring,
    PeerCounts counts,
    TimeProvider time,
    ILogger<PeerGossip> logger)
{
    private readonly Lock _lock = new();

    // Guarded by _lock, as the membership is.
    private readonly Dictionary<long, PeerLink> _links = [];

    public long Incarnation
    {
        get
        {
            lock (_lock)
            {
                return membership.Incarnation;
            }
        }
    }

    public IReadOnlyList<MemberSnapshot> Members()
    {
        lock (_lock)
        {
            return membership.Snapshot();
        }
    }

    public int Count(MemberState state)
    {
        lock (_lock)
        {
            return membership.Count(state);
        }
    }

    /// <summary>A link was authenticated. False: there are too many members, and the caller closes it.</summary>
    public bool Opened(PeerLink link)
    {
        var (session, peer) = (link.Session!, link.Peer!);
        var isMember = false;
        Do(() =>
        {
            isMember = membership.LinkUp(session.Id, peer.ServerId, peer.Endpoint, peer.Region);
            if (isMember)
            {
                _links[session.Id] = link;
            }
        });
        if (isMember)
        {
            targets.Linked(peer.ServerId, peer.Endpoint, peer.Region);
        }

        return isMember;
    }

    public void Closed(PeerLink link)
    {
        if (link.Session is { } session)
        {
            Do(() =>
            {
                _links.Remove(session.Id);
                membership.LinkDown(session.Id);
            });
        }
    }

    /// <summary>A message came by an authenticated link.</summary>
    public void Received(PeerLink link, ReadOnlyMemory<byte> message)
    {
        var error = GossipReader.Read(message, link.Peer!.ServerId, time.GetUtcNow(), options.Freshness, out var gossip);
        var outcome = GossipOutcome.Accepted;
        if (error == GossipError.None)
        {
            Do(() => outcome = membership.Receive(link.Session!.Id, gossip!));
        }

        counts.GossipReceived(message.Length, error, outcome);
    }

    public void Tick() => Do(membership.Tick);

    /// <summary>Servers without a link that are worth dialling.</summary>
    public IReadOnlyList<DialTarget> ToDial()
    {
        lock (_lock)
        {
            return membership.ToDial();
        }
    }

    /// <summary>This server stops: the others are told, by what is queued before their links close.</summary>
    public void Leave() => Do(membership.Leave);

    /// <summary>A registry names a server: it is dialled, if its endpoint is allowed.</summary>
    public void Discover(string serverId, string endpoint) => Do(() => membership.Discover(serverId, endpoint));

    /// <summary>Forgets a member and closes its link; false: it is not known.</summary>
    public bool Forget(string serverId)
    {
        var was = false;
        Do(() => was = membership.Forget(serverId));
        return was;
    }

    private void Do(Action tell)
    {
        List<(PeerLink Link, SendGossip Message)>? toSend = null;
        List<PeerLink>? toClose = null;
        List<MembershipAction>? others = null;
        IReadOnlyList<LocalServer>? owners = null;
        lock (_lock)
        {
            tell();
            while (membership.TryTake(out var action))
            {
                switch (action)
                {
                    case SendGossip send when _links.TryGetValue(send.Link, out var link):
                        (toSend ??= []).Add((link, send));
                        break;
                    case OwnersChanged:
                        owners = membership.Owners();
                        break;
                    case CloseLink close when _links.Remove(close.Link, out var link):
                        (toClose ??= []).Add(link);
                        break;
                    case SendGossip or CloseLink:
                        break;
                    default:
                        (others ??= []).Add(action);
                        break;
                }
            }

            // Under the lock, so that the last change is the last to be seen.
            if (owners is not null)
            {
                ring.Set(owners);
            }
        }

        toSend?.ForEach(send => Send(send.Link, send.Message));
        toClose?.ForEach(link => link.Session!.Close(CloseReason.LinkDropped));
        others?.ForEach(Do);
    }

    private void Send(PeerLink link, SendGossip message)
    {
        var bytes = writer.Write(message);
        counts.GossipSent(bytes.Length);
        link.Session!.TrySend(EncodedMessage.CopyOf(bytes));
    }

    private void Do(MembershipAction action)
    {
        switch (action)
        {
            case LookAt look:
                targets.AddDiscovered(look.ServerId, look.Endpoint);
                break;
            case MemberChanged change:
                counts.MemberChanged(change.After);
                Log.Changed(logger, change.ServerId, change.After.Name(), change.Why);
                break;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Server {Server} is {State}: {Why}")]
        public static partial void Changed(ILogger logger, string server, string state, string why);
    }
}
