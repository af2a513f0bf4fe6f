using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Relay.RateLimiting;

namespace Relay.AdminAuth;

/// <summary>One connection of an admin listener. That a request comes over one is what lets it reach gRPC at all.</summary>
internal sealed class AdminConnection
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    private readonly ConnectionContext _inner;
    private readonly TimeProvider _time;
    private readonly int _requestsPerSecond;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private TokenBucket _requests;

    public AdminConnection(ConnectionContext inner, AdminTransport transport, AdminOptions options, TimeProvider time)
    {
        _inner = inner;
        _time = time;
        _requestsPerSecond = options.RequestsPerSecond;
        Transport = transport;
        if (transport != AdminTransport.Unix)
        {
            Address = $"{inner.RemoteEndPoint}";
        }
        else
        {
            Address = inner.LocalEndPoint is UnixDomainSocketEndPoint path ? $"{path}" : "";
            Process = inner.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket ? PeerProcess.Of(socket) : null;
        }
    }

    public AdminTransport Transport { get; }

    /// <summary>The Unix socket's path; over the network the caller's address and port.</summary>
    public string Address { get; }

    /// <summary>Who is at the other end of a Unix socket, where the system tells.</summary>
    public PeerProcess? Process { get; }

    /// <summary>The caller's address over the network.</summary>
    public IPAddress? RemoteAddress => (_inner.RemoteEndPoint as IPEndPoint)?.Address;

    /// <summary>Somebody with a role has called over it. Set once, by any of its calls; only those without give way to new connections.</summary>
    public bool IsAuthorized { get; set; }

    /// <summary>Who the client certificate is, as authenticated by a call before; a connection has one certificate for its life.</summary>
    public AdminIdentity? CertificateHolder { get; set; }

    /// <summary>
    /// Waits until the next request may go on. Slowed down and not rejected: an operator's script need not know the rate, and
    /// the number of those who wait is bounded by the streams of a connection. False: the caller hung up meanwhile.
    /// </summary>
    public async Task<bool> WaitForTurnAsync(CancellationToken hangUp)
    {
        TimeSpan wait;
        lock (_lock)
        {
            wait = _requests.Take(1, _requestsPerSecond, Second, _time.GetTimestamp(), _time);
        }

        try
        {
            await Task.Delay(wait, _time, hangUp);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>Lets the calls that run end, and takes no more.</summary>
    public void CloseSoon() => _inner.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();

    public void Abort() => _inner.Abort();
}

/// <summary>How an admin connection came.</summary>
internal enum AdminTransport
{
    Unix,
    Tls,

    /// <summary>Without TLS, from this machine.</summary>
    Tcp,
}
