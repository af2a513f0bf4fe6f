using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Relay.AdminAuth;

/// <summary>TLS of the admin listener on TCP.</summary>
internal static class AdminTls
{
    private static readonly TimeSpan HandshakeTimeout = TimeSpan.FromSeconds(10);

    public static void Use(ListenOptions listen, AdminOptions options)
    {
        var certificate = Load("Admin:CertificateFile", options.CertificateFile, () => X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile));
        var chain = new X509Certificate2Collection();
        Load("Admin:CertificateFile", options.CertificateFile, () => chain.ImportFromPemFile(options.CertificateFile));
        listen.UseHttps(https =>
        {
            https.ServerCertificate = certificate;
            https.ServerCertificateChain = chain;
            https.HandshakeTimeout = HandshakeTimeout;
            https.SslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13;

            // Asked for and taken as it is: CertificateRoles evaluates it, and a token does without one.
            https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
            https.ClientCertificateValidation = (_, _, _) => true;
        });
    }

    public static void Load(string option, string file, Action load) => Load(option, file, () =>
    {
        load();
        return true;
    });

    private static T Load<T>(string option, string file, Func<T> load)
    {
        try
        {
            return load();
        }
        catch (CryptographicException exception)
        {
            throw new InvalidDataException($"{option}: '{file}' cannot be used: {exception.Message}", exception);
        }
    }
}
