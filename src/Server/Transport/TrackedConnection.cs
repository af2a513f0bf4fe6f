using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport;

/// <summary>
/// One TCP connection of the public listener, wrapped around Kestrel's own. It keeps the admission lease and gives it
/// back when the socket itself is closed, whatever ended it: that is the moment DisposeAsync of the transport returns.
/// </summary>
internal sealed class TrackedConnection : ConnectionContext
{
    private readonly ConnectionContext _inner;
    private readonly ConnectionTable _table;

    // Written once by the request that was admitted, read by the self-audit and at the end.
    private AdmissionLease _lease;
    private volatile bool _admitted;
    private volatile bool _gone;

    public TrackedConnection(ConnectionContext inner, ConnectionTable table)
    {
        _inner = inner;
        _table = table;
        inner.Features.Set(this);
        table.Add(this);
    }

    public IpKey Key { get; private set; }

    /// <summary>How the listener that accepted this connection finds its client's address.</summary>
    public ClientAddressRule ClientAddress { get; init; } = ClientAddressRule.Default;

    /// <summary>What the connection's PROXY header said. Set once, before TLS and HTTP.</summary>
    public ProxyClaim Claim { get; set; }

    /// <summary>Its place among the unfinished; null: it is finished. Written under the lock of <see cref="HandshakeGuard"/>.</summary>
    public LinkedListNode<Handshake>? Handshake { get; set; }

    /// <summary>The lease when this connection is an admitted client whose socket is open.</summary>
    public AdmissionLease? LiveLease => _admitted && !_gone && !SocketIsClosed() ? _lease : null;

    public bool IsGone => _gone;

    public override string ConnectionId
    {
        get => _inner.ConnectionId;
        set => _inner.ConnectionId = value;
    }

    public override IFeatureCollection Features => _inner.Features;

    public override IDictionary<object, object?> Items
    {
        get => _inner.Items;
        set => _inner.Items = value;
    }

    public override IDuplexPipe Transport
    {
        get => _inner.Transport;
        set => _inner.Transport = value;
    }

    public override CancellationToken ConnectionClosed
    {
        get => _inner.ConnectionClosed;
        set => _inner.ConnectionClosed = value;
    }

    public override EndPoint? LocalEndPoint
    {
        get => _inner.LocalEndPoint;
        set => _inner.LocalEndPoint = value;
    }

    public override EndPoint? RemoteEndPoint
    {
        get => _inner.RemoteEndPoint;
        set => _inner.RemoteEndPoint = value;
    }

    /// <summary>Hands the lease over to the connection, which gives it back when it is gone.</summary>
    public void Hold(AdmissionLease lease, IpKey key)
    {
        Key = key;
        _lease = lease;
        _admitted = true;
    }

    /// <summary>A whole request has come: the connection is no longer a half-open one.</summary>
    public void FinishHandshake() => Handshake?.Value.Guard.Leave(this);

    /// <summary>Cuts the connection unless it has ended by itself within <see cref="ClosingConnections.Grace"/>.</summary>
    public void CloseSoon() => _table.Closing.Add(this);

    public override void Abort() => _inner.Abort();

    public override void Abort(ConnectionAbortedException abortReason) => _inner.Abort(abortReason);

    public override async ValueTask DisposeAsync()
    {
        try
        {
            // Data that a peer does not read must not keep its socket, and its place, for ever.
            if (!_gone)
            {
                CloseSoon();
            }

            await _inner.DisposeAsync();
        }
        finally
        {
            _gone = true;
            if (_admitted)
            {
                _lease.Dispose();
            }

            FinishHandshake();
            _table.Remove(this);
            await base.DisposeAsync();
        }
    }

    private bool SocketIsClosed() => _inner.Features.Get<IConnectionSocketFeature>()?.Socket.SafeHandle.IsClosed ?? false;
}
