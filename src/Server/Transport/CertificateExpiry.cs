using System.Diagnostics.Metrics;
using System.Globalization;
using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Events;
using Relay.Telemetry;

namespace Relay.Transport;

/// <summary>Warns of certificates that expire soon: at the start, when one is replaced, and once a day.</summary>
internal sealed class CertificateExpiry(IEnumerable<ListenerCertificate> certificates, RelayEvents events, TimeProvider time) : IStatistics
{
    /// <summary>From so long before its end on.</summary>
    public static readonly TimeSpan Notice = TimeSpan.FromDays(14);

    public static readonly TimeSpan Interval = TimeSpan.FromDays(1);

    public void AddInstruments(Meter meter) => meter.CreateObservableGauge(
        "relay.certificate.expiry",
        () => certificates.Where(certificate => certificate.Expires is not null).Select(certificate => new Measurement<double>(
            Left(certificate.Expires!.Value).TotalSeconds, new KeyValuePair<string, object?>("listener", certificate.Listener))),
        unit: "s",
        description: "Time until the listener's certificate expires; negative: it has expired.");

    public void Fill(Stats stats) => stats.Certificates.AddRange(
        certificates.Where(certificate => certificate.Expires is not null).Select(certificate => new CertificateStats
        {
            Listener = certificate.Listener,
            ExpiresAt = Timestamp.FromDateTimeOffset(certificate.Expires!.Value),
        }));

    public void Warn()
    {
        foreach (var certificate in certificates)
        {
            if (certificate.Expires is { } expires && Left(expires) < Notice)
            {
                events.Publish(new CertificateExpires(certificate.Listener, expires, Left(expires) <= TimeSpan.Zero));
            }
        }
    }

    private TimeSpan Left(DateTimeOffset expires) => expires - time.GetUtcNow();
}

/// <summary>A certificate has expired, or will soon.</summary>
internal sealed record CertificateExpires(string Listener, DateTimeOffset Expires, bool IsOver) : RelayEvent
{
    public override string Kind => "certificate_expires";

    public override string Text => string.Create(
        CultureInfo.InvariantCulture,
        $"The certificate of the {Listener} listener {(IsOver ? "expired" : "expires")} at {Expires.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss'Z'}: put a new one into its files");

    public override LogLevel Level => LogLevel.Warning;
}
