using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Relay.Transport;

/// <summary>
/// The certificate of the public listeners or of the admin listener, as its two files were when they could last be used. Each new
/// handshake takes the newest; connections that are open keep theirs.
/// </summary>
/// <param name="listener">"public" or "admin".</param>
/// <param name="option">The option that names the certificate's file.</param>
/// <param name="files">The files that the options name now; empty: no TLS.</param>
/// <param name="asksClients">Clients are asked for a certificate, and any is taken: what it proves is judged later.</param>
internal sealed class ListenerCertificate(string listener, string option, Func<(string Certificate, string Key)> files, bool asksClients = false)
{
    private volatile Loaded? _loaded;

    public string Listener => listener;

    public bool IsUsed => files().Certificate.Length > 0;

    public IEnumerable<string> Files => IsUsed ? [files().Certificate, files().Key] : [];

    /// <summary>When the certificate in use expires; null: none is.</summary>
    public DateTimeOffset? Expires => _loaded?.Expires;

    /// <summary>What a handshake that begins now is made with; after <see cref="Load"/>.</summary>
    public SslServerAuthenticationOptions Tls => _loaded!.Tls;

    /// <summary>Takes what the files hold now; false: it is what is in use already. Throws <see cref="InvalidDataException"/> when they cannot be used, and then the old certificate stays in use.</summary>
    public bool Load()
    {
        var next = Read();
        var differs = _loaded is not { } last || !last.Chain.SequenceEqual(next.Chain);
        if (differs)
        {
            _loaded = next;
        }

        return differs;
    }

    /// <summary>Throws <see cref="InvalidDataException"/>, with the option and the file, for what a PEM file may do wrong.</summary>
    public static T ReadPem<T>(string option, string file, Func<T> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            throw new InvalidDataException($"{option}: '{file}' cannot be used: {exception.Message}", exception);
        }
    }

    private Loaded Read()
    {
        var (file, key) = files();
        var certificate = ReadPem(option, file, () => X509Certificate2.CreateFromPemFile(file, key));
        var chain = ReadPem(option, file, () =>
        {
            var all = new X509Certificate2Collection();
            all.ImportFromPemFile(file);
            return all;
        });
        var tls = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(certificate, chain, offline: true),
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            ClientCertificateRequired = asksClients,
        };
        if (asksClients)
        {
#pragma warning disable CA5359 // A client's certificate, or none: what it proves is judged by whoever asked for it, and nothing is done for its holder before.
            tls.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
#pragma warning restore CA5359
        }

        return new Loaded(tls, certificate.NotAfter, [.. chain.Select(part => part.Thumbprint)]);
    }

    private sealed record Loaded(SslServerAuthenticationOptions Tls, DateTimeOffset Expires, IReadOnlyList<string> Chain);
}
