using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport;

/// <summary>
/// One TCP connection of the public, whatever carries it, from accept until its socket is closed. It keeps the admission
/// lease and gives it back when the socket is gone, whatever ended it.
/// </summary>
internal abstract class Connection
{
    private readonly ConnectionTable _table;

    // Written once when the connection is admitted; read by the reconciler and at the end.
    private AdmissionLease _lease;
    private volatile bool _isAdmitted;
    private volatile bool _isGone;

    protected Connection(ConnectionTable table) => _table = table;

    /// <summary>The key that its lease counts by.</summary>
    public IpKey Key { get; private set; }

    /// <summary>How the listener that accepted this connection finds its client's address.</summary>
    public ClientAddressRule ClientAddress { get; init; } = ClientAddressRule.Default;

    /// <summary>What the connection's PROXY header said. Set once, before TLS and HTTP.</summary>
    public ProxyClaim Claim { get; set; }

    /// <summary>Its slot in the <see cref="ConnectionTable"/>, which sets it; below 0: none.</summary>
    public int Slot { get; set; } = -1;

    /// <summary>Its entry among the unfinished; null: it is finished. Written under the lock of <see cref="HandshakeGuard"/>.</summary>
    public Handshake? Handshake { get; set; }

    /// <summary>True once a whole request has come. Set once.</summary>
    public bool HasRequested { get; set; }

    /// <summary>The lease when this connection is an admitted client whose socket is open.</summary>
    public AdmissionLease? LiveLease => _isAdmitted && !_isGone && !IsSocketClosed ? _lease : null;

    public bool IsGone => _isGone;

    /// <summary>Cancelled when the connection is gone, also while nobody reads from it.</summary>
    public abstract CancellationToken Closed { get; }

    protected abstract bool IsSocketClosed { get; }

    /// <summary>
    /// Sends without waiting; one call at a time, from any thread. Never throws: who cannot be sent to is closed.
    /// </summary>
    /// <returns>
    /// True: the bytes are the caller's again. False: they are when <see cref="IConnectionHandler.OnSent"/> comes, and nothing may be
    /// sent before that.
    /// </returns>
    public abstract bool Send(ReadOnlyMemory<byte> bytes);

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
