using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport;

/// <summary>
/// What a PROXY header, or its absence, means for a new connection, whichever entrance reads it. A peer in a trusted network
/// must send one on a listener in PROXY mode; from anybody else one is refused, and who sends none is a direct client. On
/// every other listener a header is no request: TLS and HTTP would turn away everybody behind that proxy, and nobody would
/// hear why.
/// </summary>
internal sealed partial class ProxyHeaderGate(
    TrustedProxies proxies, ProxyMisconfiguration warning, AdmissionGate gate, HandshakeGuard handshakes, ILogger<ProxyHeaderGate> logger)
{
    private static readonly string[] Labels = ["accepted", "direct", "missing", "malformed", "unlisted", "too_slow", "gone", "unexpected"];

    // Atomic.
    private readonly long[] _outcomes = new long[Labels.Length];

    public long Count(ProxyHeaderOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    /// <summary>How often each outcome came, by the name that operators read.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counts() =>
        Enum.GetValues<ProxyHeaderOutcome>().Select(outcome => KeyValuePair.Create(Labels[(int)outcome], Count(outcome)));

    /// <summary>Whether the connection must begin with a header.</summary>
    public bool IsExpected(ClientAddressRule rule, IpKey peer) => rule.Mode == ClientAddressMode.ProxyProtocol && IsTrusted(peer);

    /// <summary>Counts what became of the first bytes; false: the connection is to be closed.</summary>
    public bool Pass(Connection connection, IpKey peer, ProxyHeaderOutcome outcome)
    {
        if (connection.ClientAddress.Mode != ClientAddressMode.ProxyProtocol)
        {
            if (outcome != ProxyHeaderOutcome.Unlisted)
            {
                return outcome == ProxyHeaderOutcome.Direct;
            }

            outcome = ProxyHeaderOutcome.Unexpected;
        }

        Interlocked.Increment(ref _outcomes[(int)outcome]);
        if (outcome is ProxyHeaderOutcome.Accepted or ProxyHeaderOutcome.Direct)
        {
            // A direct client was asked, and counted, by the accept filter.
            if (connection.Claim is not { Kind: ProxyClaimKind.Client, Source: var client })
            {
                return true;
            }

            handshakes.Identify(connection, client);
            return !gate.TryRejectEarly(client);
        }

        Log.Refused(logger, outcome, peer);
        if (outcome == ProxyHeaderOutcome.Unlisted || (outcome == ProxyHeaderOutcome.Unexpected && !IsTrusted(peer)))
        {
            warning.HeaderFromUntrustedPeer();
        }
        else if (outcome is ProxyHeaderOutcome.Missing or ProxyHeaderOutcome.Malformed or ProxyHeaderOutcome.Unexpected)
        {
            warning.HeaderIsMissing();
        }

        return false;
    }

    /// <summary>The outcome when the connection has ended before its first bytes were whole.</summary>
    public static ProxyHeaderOutcome Ended(Connection connection) =>
        connection.Handshake is null ? ProxyHeaderOutcome.TooSlow : ProxyHeaderOutcome.Gone;

    private bool IsTrusted(IpKey peer) => proxies.TryFind(peer, out _);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "A connection of {Peer} was closed before HTTP, PROXY header: {Outcome}")]
        public static partial void Refused(ILogger logger, ProxyHeaderOutcome outcome, IpKey peer);
    }
}

/// <summary>What became of a connection's first bytes; all but the last are of listeners in PROXY mode.</summary>
internal enum ProxyHeaderOutcome
{
    /// <summary>A trusted proxy's header was taken.</summary>
    Accepted,

    /// <summary>No header, from a peer that is not trusted: a direct client.</summary>
    Direct,

    /// <summary>No header, from a trusted proxy.</summary>
    Missing,

    /// <summary>A trusted proxy's header that breaks the protocol.</summary>
    Malformed,

    /// <summary>A header from a peer that is not trusted.</summary>
    Unlisted,

    /// <summary>Cut before anything whole had come: late, or too many wait, or the relay stops.</summary>
    TooSlow,

    /// <summary>The peer left first.</summary>
    Gone,

    /// <summary>A header, from whomever, on a listener that is not in PROXY mode.</summary>
    Unexpected,
}
