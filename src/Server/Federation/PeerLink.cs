using System.Net;
using Relay.Addresses;
using Relay.RateLimiting;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>
/// One socket of a peer server and its slot in the <see cref="PeerTable"/>, acquired before the upgrade (after it, where this
/// relay has dialled) and released once, by <see cref="Dispose"/>.
/// </summary>
internal sealed class PeerLink(
    PeerTable table, IPAddress address, IpKey key, DateTimeOffset connectedAt, long enteredAt, bool isDialled = false) : IDisposable
{
    // Atomic.
    private long _frames;

    // Written once, when the session has opened; read by the sweep and by the one that replaces this link.
    private volatile Session? _session;

    /// <summary>True when this relay has dialled; false: the peer has.</summary>
    public bool IsDialled => isDialled;

    public IPAddress Address => address;

    public IpKey Key => key;

    public DateTimeOffset ConnectedAt => connectedAt;

    /// <summary>The same moment as a timestamp.</summary>
    public long EnteredAt => enteredAt;

    public Session? Session
    {
        get => _session;
        set => _session = value;
    }

    /// <summary>Messages after the handshake.</summary>
    public long Frames => Interlocked.Read(ref _frames);

    /// <summary>Guarded by the table.</summary>
    public PeerLinkState State { get; set; }

    /// <summary>Guarded by the table: its entry among those that its address holds; null while it is dialled and pending, which counts against nobody.</summary>
    public LinkedListNode<Held<PeerLink>>? Slot { get; set; }

    /// <summary>False once another link was given its slot.</summary>
    public bool HasSlot => !table.HasLeft(this);

    /// <summary>Guarded by the table: the peer's identity, once authenticated; never changed after that.</summary>
    public PeerHandshake? Peer { get; set; }

    /// <summary>Guarded by the table: the link that this one replaced.</summary>
    public PeerLink? Replaced { get; set; }

    public void FrameArrived() => Interlocked.Increment(ref _frames);

    public void Dispose() => table.Leave(this);
}

/// <summary>How far a link has come.</summary>
internal enum PeerLinkState
{
    Pending,
    Authenticated,
    Gone,
}
