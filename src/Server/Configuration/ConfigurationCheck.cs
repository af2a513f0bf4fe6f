using System.Globalization;
using Relay.AdminAuth;
using Relay.ClientAuth;
using Relay.Identity;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Configuration;

/// <summary>Loads what a start loads, and changes nothing: a relay may be running with the same files.</summary>
internal static class ConfigurationCheck
{
    // What the relay itself has open when it begins to listen, about.
    private const int OwnFiles = 230;

    /// <summary>What would stop a start: one line each, with what to do.</summary>
    public static IEnumerable<string> Errors(RelaySettings settings, long openFiles)
    {
        var folder = DataFolder.Find(settings.Data)!;
        IEnumerable<Func<string?>> checks =
        [
            () => DataFolder.Former(settings),
            .. Folders(settings, folder).Select(each => (Func<string?>)(() => NotWritable(each))),
            () => Load(() => new ListenerCertificate("public", "Listen:CertificateFile", () => (settings.Listen.CertificateFile, settings.Listen.KeyFile)), settings.Listen.UsesTls),
            () => Load(() => new ListenerCertificate("admin", "Admin:CertificateFile", () => (settings.Admin.CertificateFile, settings.Admin.KeyFile)), settings.Admin.UsesTls),
            () => Try(() => new CertificateRoles(settings.Admin, TimeProvider.System).Dispose()),
            () => Try(() => TokenFile.Load(settings.Admin.TokenFile, mayTighten: false)),
            () => Try(() => new KeyFile(settings.ClientAuth).Load()),
            () => Try(() => IdentityFile.Check(settings.Identity.KeyFile)),
            () => settings.Admission.PolicyFile.Length == 0 ? null : Try(() => PolicyStart.ReadCopy(
                new PolicyJournal(settings.Admission.PolicyFile) { IsReadOnly = true },
                PolicyItems.FromOptions(settings.Admission, out _),
                settings.Admission.Ipv6Prefix)),
            () => TooFewFiles(settings, openFiles, clients: 1),
        ];
        return checks.Select(check => check()).OfType<string>();
    }

    /// <summary>What a start would only warn of.</summary>
    public static IEnumerable<string> Warnings(RelaySettings settings, long openFiles, DateTimeOffset now)
    {
        if (TooFewFiles(settings, openFiles, settings.Admission.Total) is { } problem)
        {
            yield return problem;
        }

        foreach (var (option, file) in new[] { ("Listen:CertificateFile", settings.Listen.CertificateFile), ("Admin:CertificateFile", settings.Admin.CertificateFile) })
        {
            if (file.Length > 0 && Expiry(file) is { } expires && expires - now < CertificateExpiry.Notice)
            {
                yield return string.Create(
                    CultureInfo.InvariantCulture, $"{option}: '{file}' {(expires < now ? "expired" : "expires")} at {expires.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}; put a new certificate into it");
            }
        }
    }

    private static IEnumerable<string> Folders(RelaySettings settings, string data) =>
        new[] { data }
            .Concat(new[] { settings.Identity.KeyFile, settings.Storage.Connection.Length > 0 ? "" : settings.Storage.File, settings.Admission.PolicyFile, settings.Audit.File }
                .Where(file => file.Length > 0)
                .Select(file => Path.GetDirectoryName(Path.GetFullPath(file))!))
            .Distinct();

    // The start makes what is missing, so the nearest folder that exists is asked.
    private static string? NotWritable(string folder)
    {
        var existing = folder;
        while (!Directory.Exists(existing) && Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        try
        {
            using var file = new FileStream(
                Path.Combine(existing, $".relayd-check-{Guid.NewGuid():N}"),
                new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, Options = FileOptions.DeleteOnClose });
            return null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return $"this user cannot write to {folder}: {exception.Message.TrimEnd('.')}; chown it to the user that runs relayd, or set Data:Folder to another";
        }
    }

    private static string? TooFewFiles(RelaySettings settings, long limit, int clients)
    {
        var capacity = Math.Max(0, limit - OwnFiles - settings.Listen.ReservedFiles);
        return limit > 0 && capacity < clients
            ? string.Create(CultureInfo.InvariantCulture, $"the limit of open files here is {limit:#,0}, which allows about {capacity:#,0} connections and Admission:Total {settings.Admission.Total:#,0}; raise it with LimitNOFILE (systemd) or ulimit -n")
            : null;
    }

    private static DateTimeOffset? Expiry(string file)
    {
        using var certificate = System.Security.Cryptography.X509Certificates.X509CertificateLoader.LoadCertificateFromFile(file);
        return certificate.NotAfter;
    }

    private static string? Load(Func<ListenerCertificate> certificate, bool isUsed) => isUsed ? Try(() => certificate().Load()) : null;

    private static string? Try(Action load)
    {
        try
        {
            load();
            return null;
        }
        catch (InvalidDataException exception)
        {
            return exception.Message.TrimEnd('.');
        }
    }
}
