namespace Relay.Policy;

/// <summary>Why a socket was not admitted.</summary>
internal enum Refusal
{
    None,
    TotalLimit,
    PerIpLimit,

    /// <summary>The relay goes down.</summary>
    Stopping,

    /// <summary>The process has files for no more, whatever the total limit says.</summary>
    Ceiling,

    /// <summary>The tiers: networks that many addresses share.</summary>
    Per56Limit,
    Per48Limit,
    Per24Limit,

    /// <summary>Too many new sockets in too short a time: of one address, of all together.</summary>
    RatePerIp,
    RateTotal,
    Banned,

    /// <summary>An override says deny.</summary>
    Denied,

    /// <summary>A trusted proxy did not tell the client's address: that class is full, or is refused.</summary>
    UnresolvedLimit,
    Unresolved,

    /// <summary>The operator is emptying the relay.</summary>
    Draining,
}

/// <summary>What a refused client sees, one place for every entrance.</summary>
internal static class RefusalReasons
{
    /// <summary>The close code of those who need not come back.</summary>
    public const ushort ForGood = 1008;

    public static readonly int Count = Enum.GetValues<Refusal>().Length;

    /// <summary>Values of the metric's label, in the order of the enum.</summary>
    public static readonly string[] Labels =
    [
        "none", "total_limit", "per_ip_limit", "stopping", "ceiling", "per_56_limit", "per_48_limit", "per_24_limit",
        "rate_per_ip", "rate_total", "banned", "denied", "unresolved_limit", "unresolved", "draining",
    ];

    /// <summary>Every reason, without None.</summary>
    public static IEnumerable<Refusal> All => Enum.GetValues<Refusal>().Skip(1);

    /// <summary>Close reason and one-line body. The first two texts are the seed's; clients match on them.</summary>
    public static string Reason(Refusal refusal) => refusal switch
    {
        Refusal.TotalLimit or Refusal.Ceiling => "Server at capacity",
        Refusal.PerIpLimit => "Too many connections from this IP",
        Refusal.Per56Limit => "Too many connections from this network (/56)",
        Refusal.Per48Limit => "Too many connections from this network (/48)",
        Refusal.Per24Limit => "Too many connections from this network (/24)",
        Refusal.RatePerIp => "Too many new connections from this IP",
        Refusal.RateTotal => "Server busy",
        Refusal.Banned => "Banned",
        Refusal.Denied => "Not allowed from this address",
        Refusal.UnresolvedLimit => "Too many connections without a client address",
        Refusal.Unresolved => "No client address from the proxy",
        Refusal.Draining => "Server draining",
        Refusal.Stopping => "Server shutting down",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };

    /// <summary>
    /// The close frame's code (RFC 6455 section 7.4 and its registry): 1008 policy, do not come back; 1001 going away; 1013
    /// try again later.
    /// </summary>
    public static ushort CloseCode(Refusal refusal) => refusal switch
    {
        Refusal.Banned or Refusal.Denied => ForGood,
        Refusal.Stopping => 1001,
        _ => 1013,
    };

    /// <summary>HTTP status when refused before the upgrade: 403 never, 429 the address or its network has too many, 503 the server has.</summary>
    public static int Status(Refusal refusal) => refusal switch
    {
        Refusal.Banned or Refusal.Denied => StatusCodes.Status403Forbidden,
        Refusal.PerIpLimit or Refusal.Per56Limit or Refusal.Per48Limit or Refusal.Per24Limit or Refusal.RatePerIp =>
            StatusCodes.Status429TooManyRequests,
        _ => StatusCodes.Status503ServiceUnavailable,
    };

    /// <summary>True where the client, by what it does or who it is, is the cause, and not the server's own state.</summary>
    public static bool IsClients(Refusal refusal) => Status(refusal) != StatusCodes.Status503ServiceUnavailable;

    public static string Label(Refusal refusal) => Labels[(int)refusal];
}
