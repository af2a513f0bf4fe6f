using System.Net;
using System.Runtime.CompilerServices;
using Relay.Addresses;
using Relay.Admission;
using Relay.Memory;
using Relay.Protocol;
using Relay.Transport.Framing;

namespace Relay.Transport;

/// <summary>
/// One TCP connection of the public, or one that was dialled to a peer server, whatever carries it, until its socket is closed. It
/// keeps the admission lease, where it has one, and gives it back when the socket is gone, whatever ended it.
/// </summary>
internal abstract class Connection
{
    private readonly ConnectionTable _table;

    // Null: there was no header, as most connections have none.
    private StrongBox<ProxyClaim>? _claim;

    // Written once when the connection is admitted; read by the reconciler and at the end.
    private AdmissionLease _lease;
    private volatile bool _isAdmitted;
    private volatile bool _isGone;

    protected Connection(ConnectionTable table) => _table = table;

    /// <summary>
    /// The key that its lease counts by. Before it is admitted: the address that has connected, if what carries it knows. One place for both, because an idle
    /// client is to take no more memory than it needs.
    /// </summary>
    public IpKey Key { get; protected set; }

    /// <summary>Where it came in, if what carries it knows.</summary>
    public virtual EndPoint? LocalEndPoint => null;

    /// <summary>How the listener that accepted this connection finds its client's address.</summary>
    public virtual ClientAddressRule ClientAddress => ClientAddressRule.Default;

    /// <summary>What the connection's PROXY header said. Set once, before TLS and HTTP.</summary>
    public ProxyClaim Claim
    {
        get => _claim?.Value ?? default;
        set => _claim = value == default ? null : new StrongBox<ProxyClaim>(value);
    }

    /// <summary>Its slot in the <see cref="ConnectionTable"/>, which sets it; below 0: none.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Its entry among the unfinished; null: it is finished. Written under the lock of <see cref="HandshakeGuard"/>.</summary>
    public Handshake? Handshake { get; set; }

    /// <summary>True once a whole request has come. Set once.</summary>
    public bool HasRequested { get; set; }

    /// <summary>The lease when this connection is an admitted client whose socket is open.</summary>
    public AdmissionLease? LiveLease => _isAdmitted && !_isGone && !IsSocketClosed ? _lease : null;

    public bool IsGone => _isGone;

    /// <summary>What is kept for the connection counts there.</summary>
    public MemoryBudget Memory => _table.Memory;

    /// <summary>Passed by whoever works on what its peer has said, on a thread of the pool.</summary>
    public Standstill Standstill => _table.Standstill;

    /// <summary>Whether bytes that <see cref="Send"/> was given have not gone.</summary>
    public virtual bool IsKeeping => false;

    /// <summary>Something that waits for it has changed, beside what it was given.</summary>
    public virtual void Touch()
    {
    }

    /// <summary>Bytes of the budget in buffers of its own.</summary>
    public virtual int BufferBytes => 0;

    /// <summary>Our side of the WebSocket: the server, unless this relay has dialled.</summary>
    public virtual FrameRole Role => FrameRole.Server;

    /// <summary>Cancelled when the connection is gone, also while nobody reads from it.</summary>
    public abstract CancellationToken Closed { get; }

    protected abstract bool IsSocketClosed { get; }

    /// <summary>Bytes that lie between it and the system while its peer does not read, beside what it was given to send.</summary>
    protected virtual int PipeBytes => 0;

    /// <summary>
    /// Sends without waiting; one call at a time, from any thread. Never throws: who cannot be sent to is closed. The bytes are one
    /// whole frame, unmasked; who has another role masks what it sends.
    /// </summary>
    /// <returns>
    /// True: the bytes are the caller's again. False: they are when <see cref="IConnectionHandler.OnSent"/> comes, and nothing may be
    /// sent before that.
    /// </returns>
    public abstract bool Send(ReadOnlyMemory<byte> bytes);

    /// <summary>
    /// Counts a message in the budget that <see cref="Send"/> has kept. It may have gone by now: then <see cref="Unkeep"/> was first,
    /// and nothing remains.
    /// </summary>
    /// <param name="owner">The message's; null: there is none, but a constant frame.</param>
    public void Keep(object? owner)
    {
        if (owner is not null)
        {
            EncodedMessage.Keep(owner, Memory);
            Memory.Add(PipeBytes);
        }
    }

    /// <summary>The message has gone, and is not returned yet.</summary>
    public void Unkeep(object? owner)
    {
        if (owner is not null)
        {
            EncodedMessage.Unkeep(owner, Memory);
            Memory.Release(PipeBytes);
        }
    }

    /// <summary>What such a message holds of the budget.</summary>
    public int KeptBytes(object? owner) => owner is null ? 0 : EncodedMessage.PartSize(owner) + PipeBytes;

    /// <summary>Ends the connection in order: nothing more is sent or read.</summary>
    public abstract void Close();

    /// <summary>Resets the connection at once.</summary>
    public abstract void Abort();

    /// <summary>Aborts the connection unless it has ended by itself within <see cref="ClosingConnections.Grace"/>.</summary>
    public void CloseSoon() => _table.Closing.Add(this);

    /// <summary>Hands the lease over to the connection, which is an admitted client from now on.</summary>
    public void Hold(AdmissionLease lease, IpKey key)
    {
        Key = key;
        _lease = lease;
        _isAdmitted = true;
        FinishHandshake();
    }

    /// <summary>The connection is somebody's from now on, and counts there and no longer as pending.</summary>
    public void FinishHandshake() => Handshake?.Guard.Leave(this);

    /// <summary>The socket is closed: gives the lease back and forgets the connection.</summary>
    protected void OnSocketClosed()
    {
        _isGone = true;
        if (_isAdmitted)
        {
            _lease.Dispose();
        }

        FinishHandshake();
        _table.Remove(this);
    }
}
