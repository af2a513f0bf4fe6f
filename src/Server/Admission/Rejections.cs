using Relay.Policy;

namespace Relay.Admission;

/// <summary>Whose doing a rejection is: the client's, by what it does or who it is, or the server's own state.</summary>
internal enum Fault
{
    Client,
    Server,
}

/// <summary>One reason, as clients, operators and metrics see it.</summary>
/// <param name="Label">The value of the metric's label, and the outcome in explain and tail.</param>
/// <param name="CloseCode">The close frame's code (RFC 6455 section 7.4): 1008 do not come back; 1001 going away; 1013 try again later; 4401 not without a valid token.</param>
/// <param name="Text">The close frame's reason and the one-line body; at most 123 bytes. Clients match on it.</param>
/// <param name="Status">When rejected before the upgrade: 401 not without a valid token, 403 never, 429 the address or its network has too many, 503 the server has.</param>
/// <param name="StatusOnly">True: always rejected before the upgrade, because the relay no longer waits for close handshakes.</param>
internal sealed record Rejection(Refusal Reason, string Label, ushort CloseCode, string Text, int Status, Fault Fault, bool StatusOnly = false)
{
    /// <summary>True for a client that gains nothing by coming back.</summary>
    public bool IsFinal => CloseCode is Rejections.PolicyViolation or Rejections.Unauthorized;
}

/// <summary>The one table of rejections. A new reason is one row here and one rule in <see cref="AdmissionRules"/>.</summary>
internal static class Rejections
{
    public const ushort PolicyViolation = 1008;
    public const ushort Unauthorized = 4401;
    private const ushort GoingAway = 1001;
    private const ushort TryAgainLater = 1013;

    private static readonly Rejection[] Table =
    [
        new(Refusal.TotalLimit, "total_limit", TryAgainLater, "Server at capacity", 503, Fault.Server),
        new(Refusal.PerIpLimit, "per_ip_limit", TryAgainLater, "Too many connections from this IP", 429, Fault.Client),
        new(Refusal.Stopping, "stopping", GoingAway, "Server shutting down", 503, Fault.Server, StatusOnly: true),
        new(Refusal.Ceiling, "ceiling", TryAgainLater, "Server at capacity", 503, Fault.Server),
        new(Refusal.Per56Limit, "per_56_limit", TryAgainLater, "Too many connections from this network (/56)", 429, Fault.Client),
        new(Refusal.Per48Limit, "per_48_limit", TryAgainLater, "Too many connections from this network (/48)", 429, Fault.Client),
        new(Refusal.Per24Limit, "per_24_limit", TryAgainLater, "Too many connections from this network (/24)", 429, Fault.Client),
        new(Refusal.RatePerIp, "rate_per_ip", TryAgainLater, "Too many new connections from this IP", 429, Fault.Client),
        new(Refusal.RateTotal, "rate_total", TryAgainLater, "Server busy", 503, Fault.Server),
        new(Refusal.Banned, "banned", PolicyViolation, "Banned", 403, Fault.Client),
        new(Refusal.Denied, "denied", PolicyViolation, "Not allowed from this address", 403, Fault.Client),
        new(Refusal.UnresolvedLimit, "unresolved_limit", TryAgainLater, "Too many connections without a client address", 503, Fault.Server),
        new(Refusal.Unresolved, "unresolved", TryAgainLater, "No client address from the proxy", 503, Fault.Server),
        new(Refusal.ClusterTotalLimit, "cluster_total_limit", TryAgainLater, "Server at capacity", 503, Fault.Server),
        new(Refusal.Unauthorized, "unauthorized", Unauthorized, "Unauthorized", 401, Fault.Client),
        new(Refusal.AuthUnavailable, "auth_unavailable", TryAgainLater, "Authentication unavailable", 503, Fault.Server),
        new(Refusal.PerSubjectLimit, "per_subject_limit", TryAgainLater, "Too many connections of this subject", 429, Fault.Client),
        new(Refusal.Draining, "draining", TryAgainLater, "Server draining", 503, Fault.Server, StatusOnly: true),
    ];

    private static readonly Rejection?[] ByReason = Index();

    /// <summary>The length of an array that is indexed by <see cref="Refusal"/>.</summary>
    public static readonly int Count = ByReason.Length;

    /// <summary>Every reason, without None.</summary>
    public static IReadOnlyList<Rejection> All => Table;

    /// <summary>The row of a reason. Throws for None.</summary>
    public static Rejection Of(Refusal refusal) => ByReason[(int)refusal] ?? throw new ArgumentOutOfRangeException(nameof(refusal));

    /// <summary>"admitted", or the reason's label.</summary>
    public static string Outcome(Refusal refusal) => refusal == Refusal.None ? "admitted" : Of(refusal).Label;

    /// <summary>
    /// How a connection is rejected on a level once its request has been read. A reset is then no choice any more: the
    /// connection came through a proxy, which would take it for a failure of the relay.
    /// </summary>
    public static RejectionMode ModeOf(Refusal refusal, OverloadLevel level, RejectionMode normal) =>
        level == OverloadLevel.Normal && !Of(refusal).StatusOnly ? normal : RejectionMode.HttpStatus;

    /// <summary>True when a connection is reset before a byte of it is read. A client that gains nothing by coming back gains nothing by reading why.</summary>
    public static bool IsReset(Refusal refusal, OverloadLevel level) =>
        refusal != Refusal.None && (level == OverloadLevel.Critical || (level == OverloadLevel.Elevated && Of(refusal).IsFinal));

    private static Rejection?[] Index()
    {
        var rows = new Rejection?[Enum.GetValues<Refusal>().Length];
        foreach (var row in Table)
        {
            rows[(int)row.Reason] = row;
        }

        return rows;
    }
}
