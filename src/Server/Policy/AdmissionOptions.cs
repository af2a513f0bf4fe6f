using System.ComponentModel;
using System.ComponentModel.DataAnnotations;

namespace Relay.Policy;

/// <summary>Limits of client connections, and how excess ones are rejected. They apply until an operator changes them.</summary>
internal sealed class AdmissionOptions : IValidatableObject
{
    public const int MaxLimit = 1_000_000;
    public const int DefaultIpv6Prefix = 64;

    /// <summary>Total client connections. 10,000 idle ones take about 10 MB of the relay on plain TCP, 150 MB with TLS, and 40 MB of the kernel.</summary>
    [Range(1, MaxLimit)]
    public int Total { get; set; } = 10_000;

    /// <summary>Client connections per address. 50 is enough for a household or a small office behind one address.</summary>
    [Range(1, MaxLimit)]
    public int PerIp { get; set; } = 50;

    /// <summary>Bits of an IPv6 address that count as one address. 64 because a /64 is what one customer gets at the least.</summary>
    [Range(32, 128)]
    public int Ipv6Prefix { get; set; } = DefaultIpv6Prefix;

    /// <summary>Connections of one IPv6 /56: off, a multiple of PerIp, or a number. Eight /64 are what a small site may rightly use at once.</summary>
    [Description("off, a multiple of PerIp such as 8x, or 1 to 1,000,000")]
    public string Per56 { get; set; } = "8x";

    /// <summary>Connections of one IPv6 /48, likewise.</summary>
    [Description("off, a multiple of PerIp such as 8x, or 1 to 1,000,000")]
    public string Per48 { get; set; } = "64x";

    /// <summary>Connections of one IPv4 /24, likewise. Off: a provider may have hundreds of customers behind it.</summary>
    [Description("off, a multiple of PerIp such as 8x, or 1 to 1,000,000")]
    public string Per24 { get; set; } = "off";

    /// <summary>New connections of one address: off, or such as "20/s burst 200". Four times a full address at once.</summary>
    [Description("off, or a rate such as 20/s burst 200 or 30/m")]
    public string ConnectRatePerIp { get; set; } = "20/s burst 200";

    /// <summary>New connections in total. All clients may reconnect at once after a restart; then a thousand a second.</summary>
    [Description("off, or a rate such as 20/s burst 200 or 30/m")]
    public string ConnectRateTotal { get; set; } = "1000/s burst 10000";

    /// <summary>Other limits for some networks, such as 203.0.113.0/24=200, =unlimited (not counted at all) or =deny; the longest network wins.</summary>
    [Description("a list of NETWORK=N, NETWORK=unlimited, NETWORK=deny")]
    public string[] Overrides { get; set; } = [];

    /// <summary>Connections from a trusted proxy that does not send the client address. TotalOnly: counted in the total and against UnresolvedLimit; Refuse: rejected.</summary>
    public UnresolvedPolicy Unresolved { get; set; } = UnresolvedPolicy.TotalOnly;

    /// <summary>Connections in total whose client address a trusted proxy did not send.</summary>
    [Range(1, MaxLimit)]
    public int UnresolvedLimit { get; set; } = 1_000;

    /// <summary>
    /// Journal, in `Data:Folder`, of what operators change; each item that it changes wins over these options. Empty: changes are kept in memory
    /// only and end with the process. With `Storage:Connection` the journal is in the database and this is a copy of it, to start from when the database is away.
    /// </summary>
    public string PolicyFile { get; set; } = "policy.jsonl";

    /// <summary>Networks whose word on client addresses is trusted, such as 10.0.0.0/8. None: the socket address counts.</summary>
    [Description("a list of networks and addresses")]
    public string[] TrustedProxies { get; set; } = [];

    /// <summary>IPv6 prefixes by which translators name IPv4 hosts (RFC 6052): such an address counts as the IPv4 address in it.</summary>
    [Description("a list of IPv6 networks, each /32, /40, /48, /56, /64 or /96")]
    public string[] Nat64Prefixes { get; set; } = Addresses.Nat64.DefaultPrefixes;

    /// <summary>The overload level: auto (by refusals a second, see Overload), or pinned to normal, elevated or critical.</summary>
    [Description("auto, normal, elevated, critical")]
    public string OverloadLevel { get; set; } = OverloadLevels.Auto;

    /// <summary>How a client is rejected on the overload level normal. CloseFrame: upgrade, then close 1013 with the reason. HttpStatus: 503 or 429 with Retry-After before the upgrade.</summary>
    [Description("CloseFrame, HttpStatus")]
    public RejectionMode RejectionMode { get; set; } = RejectionMode.CloseFrame;

    /// <summary>Before a rejection by close frame a message says when to come back, `{"type":"retry_after","seconds":5}`: a page in a browser cannot read Retry-After. Clients must expect a message before the close frame.</summary>
    public bool RetryHint { get; set; }

    /// <summary>Minimum Retry-After of a rejection by status; up to as much again is added at random, so that clients do not return together.</summary>
    internal TimeSpan RetryAfter { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Percent of the memory of the machine, or of the control group, that clients never use, 32 MiB at least: when the rest is used up, new connections are rejected.</summary>
    [Range(0, 90)]
    public int MemoryReserve { get; set; } = 10;

    /// <summary>MiB that unfinished messages, outgoing queues, upstream messages and pending handshakes may take together; 0: an eighth of the memory. When it is used up, long messages wait, and then whoever holds most is closed.</summary>
    [Range(0, 1_048_576)]
    public int MemoryBudget { get; set; }

    /// <summary>Time between two recounts of the live sockets against the ledger.</summary>
    internal TimeSpan ReconcileInterval { get; set; } = TimeSpan.FromMinutes(1);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        PolicyItems.FromOptions(this, out var wrong);
        foreach (var (path, error) in wrong)
        {
            // The numbers have a range of their own, which says the same.
            if (OptionOf(path) is { } option)
            {
                yield return new ValidationResult(error, [option]);
            }
        }

        if (RejectionMode == RejectionMode.Reset)
        {
            yield return new ValidationResult("Reset is chosen by the overload level; give CloseFrame or HttpStatus", [nameof(RejectionMode)]);
        }

        for (var i = 0; i < Nat64Prefixes.Length; i++)
        {
            if (Addresses.Nat64.Check(Nat64Prefixes[i]) is { } error)
            {
                yield return new ValidationResult(error, [$"{nameof(Nat64Prefixes)}:{i}"]);
            }
        }

        for (var i = 0; i < TrustedProxies.Length; i++)
        {
            if (Addresses.TrustedProxies.Check(TrustedProxies[i]) is { } error)
            {
                yield return new ValidationResult(error, [$"{nameof(TrustedProxies)}:{i}"]);
            }
        }
    }

    private static string? OptionOf(string path) => path switch
    {
        PolicyItems.Per56 => nameof(Per56),
        PolicyItems.Per48 => nameof(Per48),
        PolicyItems.Per24 => nameof(Per24),
        PolicyItems.RatePerIp => nameof(ConnectRatePerIp),
        PolicyItems.RateTotal => nameof(ConnectRateTotal),
        PolicyItems.OverloadLevel => nameof(OverloadLevel),
        PolicyItems.Total or PolicyItems.PerIp or PolicyItems.UnresolvedLimit => null,
        _ => nameof(Overrides),
    };
}

/// <summary>How connections are treated whose client address a trusted proxy did not send.</summary>
internal enum UnresolvedPolicy
{
    TotalOnly,
    Refuse,
}
