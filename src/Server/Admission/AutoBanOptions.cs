using System.ComponentModel.DataAnnotations;
using Relay.Configuration;

namespace Relay.Admission;

/// <summary>Bans that the relay makes itself. Off unless asked for: behind one address there may be many people.</summary>
internal sealed class AutoBanOptions
{
    /// <summary>Refusals and protocol violations of one address within Window after which it is banned; 0: never.</summary>
    [Range(0, 1_000_000)]
    public int Threshold { get; set; }

    /// <summary>The time in which they are counted.</summary>
    [DurationRange("1s", "1d")]
    public TimeSpan Window { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>Duration of an address's first ban; each further one is twice as long.</summary>
    [DurationRange("1s", "30d")]
    public TimeSpan Duration { get; set; } = TimeSpan.FromMinutes(10);

    /// <summary>The longest they become, and how long an address is remembered after its last ban.</summary>
    [DurationRange("1s", "365d")]
    public TimeSpan MaxDuration { get; set; } = TimeSpan.FromDays(1);

    /// <summary>Bits of an IPv6 address that are banned. 128: a long ban must not hit neighbours on a shared /64.</summary>
    internal int Ipv6Prefix { get; set; } = 128;

    /// <summary>True: private and loopback addresses too. Trusted proxies are never banned.</summary>
    internal bool PrivateNetworks { get; set; }

    /// <summary>Addresses whose violations are counted at once; when it is full the limits alone deal with new connections.</summary>
    internal int MaxAddresses { get; set; } = 65_536;
}
