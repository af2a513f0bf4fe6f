namespace Relay.Admission;

/// <summary>Why a socket was not admitted.</summary>
internal enum Refusal
{
    None,
    TotalLimit,
    PerIpLimit,
    Stopping,
}

/// <summary>What a refused client sees, one place for every entrance.</summary>
internal static class RefusalText
{
    /// <summary>Close reason and one-line body. The first two texts are the seed's; clients match on them.</summary>
    public static string Reason(Refusal refusal) => refusal switch
    {
        Refusal.TotalLimit => "Server at capacity",
        Refusal.PerIpLimit => "Too many connections from this IP",
        Refusal.Stopping => "Server shutting down",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };

    /// <summary>The close frame's code: 1013 try again later, 1001 going away (RFC 6455 section 7.4 and its registry).</summary>
    public static ushort CloseCode(Refusal refusal) => refusal == Refusal.Stopping ? (ushort)1001 : (ushort)1013;

    /// <summary>HTTP status when refused before the upgrade: 429 when the address has too many, else 503.</summary>
    public static int Status(Refusal refusal) =>
        refusal == Refusal.PerIpLimit ? StatusCodes.Status429TooManyRequests : StatusCodes.Status503ServiceUnavailable;

    /// <summary>The value of the metric's label.</summary>
    public static string Label(Refusal refusal) => refusal switch
    {
        Refusal.TotalLimit => "total_limit",
        Refusal.PerIpLimit => "per_ip_limit",
        Refusal.Stopping => "stopping",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };
}
