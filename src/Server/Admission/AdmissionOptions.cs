using System.ComponentModel.DataAnnotations;

namespace Relay.Admission;

/// <summary>Who may connect, and what the others are told. Limits given here are those at start; relayctl changes them.</summary>
internal sealed class AdmissionOptions : IValidatableObject
{
    public const int MaxLimit = 1_000_000;

    /// <summary>Client sockets in all. 10,000 is what one small machine holds in about 150 MB.</summary>
    [Range(1, MaxLimit)]
    public int Total { get; set; } = 10_000;

    /// <summary>Client sockets per address. 50 leaves room for a household or a small office behind one address.</summary>
    [Range(1, MaxLimit)]
    public int PerIp { get; set; } = 50;

    /// <summary>Bits of an IPv6 address that count as one address. 64 because a /64 is what one customer gets at the least.</summary>
    [Range(32, 128)]
    public int Ipv6Prefix { get; set; } = 64;

    /// <summary>Networks whose X-Forwarded-For is believed, such as 10.0.0.0/8. None: the socket's own address counts.</summary>
    public string[] TrustedProxies { get; set; } = [];

    /// <summary>Close: upgrade, then close 1013 with the reason. Status: 503 or 429 with Retry-After before the upgrade.</summary>
    public RefuseWith RefuseWith { get; set; } = RefuseWith.Close;

    /// <summary>Least Retry-After of a refusal by status; up to as much again is added at random, so that clients do not return together.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "01:00:00")]
    public TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Refused sockets that may wait for the end of their close handshake at once; those above get a status instead.</summary>
    [Range(1, 100_000)]
    public int MaxClosingRefusals { get; set; } = 1_000;

    /// <summary>Addresses without a connection that are remembered for relayctl ips; the one seen longest ago goes first.</summary>
    [Range(16, MaxLimit)]
    public int RememberedAddresses { get; set; } = 16_384;

    /// <summary>Time between two recounts of the live sockets against the ledger.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "1.00:00:00")]
    public TimeSpan AuditInterval { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        for (var i = 0; i < TrustedProxies.Length; i++)
        {
            if (Admission.TrustedProxies.Check(TrustedProxies[i]) is { } mistake)
            {
                yield return new ValidationResult(mistake, [$"{nameof(TrustedProxies)}:{i}"]);
            }
        }
    }
}

/// <summary>How a client over a limit is told.</summary>
internal enum RefuseWith
{
    Close,
    Status,
}
