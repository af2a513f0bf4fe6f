using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Relay.Transport.Kestrel;

/// <summary>TLS of a listener whose certificate may be replaced while it runs.</summary>
internal static class ListenerTls
{
    public static void UseTls(this ListenOptions listen, ListenerCertificate certificate, TimeSpan handshakeTimeout)
    {
        certificate.Load();
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = handshakeTimeout,
            OnConnection = _ => ValueTask.FromResult(certificate.Tls),
        });
    }
}
