using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Relay.AdminCli;

namespace Relay.Dashboard.Security;

/// <summary>The dashboard's own certificate; one that was renewed is taken for the connections that come then.</summary>
internal sealed class ServerCertificate
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMinutes(1);

    private readonly TlsFiles _files;
    private readonly TimeProvider _clock;
    private readonly Lock _lock = new();
    private X509Certificate2 _current;
    private DateTime _written;
    private long _looked;

    /// <exception cref="InvalidDataException">The files cannot be used; the message says why.</exception>
    public ServerCertificate(TlsFiles files, TimeProvider clock)
    {
        (_files, _clock, _looked) = (files, clock, clock.GetTimestamp());
        try
        {
            (_written, _current) = (Written(), Load());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            throw new InvalidDataException($"--tls-cert: {Printable.Clean(files.Certificate)} with {Printable.Clean(files.Key)} cannot be used: {Printable.Clean(e.Message)}", e);
        }
    }

    public X509Certificate2 Current
    {
        get
        {
            lock (_lock)
            {
                if (_clock.GetElapsedTime(_looked) > BetweenLooks)
                {
                    _looked = _clock.GetTimestamp();
                    Renew();
                }

                return _current;
            }
        }
    }

    // The files may be half written: the next look finds them whole. The old one may still be in use, so it is left to the collector.
    private void Renew()
    {
        try
        {
            if (Written() is var written && written != _written)
            {
                (_current, _written) = (Load(), written);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            // The certificate in use stays.
        }
    }

    private DateTime Written() => File.GetLastWriteTimeUtc(_files.Certificate) is var certificate && File.GetLastWriteTimeUtc(_files.Key) is var key && key > certificate ? key : certificate;

    // A key that lives in memory only is not used by every TLS stack; through PKCS #12 it is.
    private X509Certificate2 Load()
    {
        using var read = X509Certificate2.CreateFromPemFile(_files.Certificate, _files.Key);
        return X509CertificateLoader.LoadPkcs12(read.Export(X509ContentType.Pkcs12), null);
    }
}
