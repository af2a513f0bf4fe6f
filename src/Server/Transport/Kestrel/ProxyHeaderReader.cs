using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http.Features;
using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport.Kestrel;

/// <summary>
/// Takes the PROXY header off a new connection, before TLS and HTTP see a byte. A peer in a trusted network must send one;
/// from anybody else one is refused, and who sends none is a direct client. <see cref="HandshakeGuard"/> cuts who is late.
/// </summary>
internal sealed partial class ProxyHeaderReader(TrustedProxies proxies, ProxyMisconfiguration warning, AdmissionGate gate, ILogger<ProxyHeaderReader> logger)
{
    private static readonly string[] Labels = ["accepted", "direct", "missing", "malformed", "unlisted", "too_slow", "gone", "unexpected"];

    // Atomic.
    private readonly long[] _outcomes = new long[Labels.Length];

    public long Count(ProxyHeaderOutcome outcome) => Interlocked.Read(ref _outcomes[(int)outcome]);

    /// <summary>How often each outcome came, by the name that operators read.</summary>
    public IEnumerable<KeyValuePair<string, long>> Counts() =>
        Enum.GetValues<ProxyHeaderOutcome>().Select(outcome => KeyValuePair.Create(Labels[(int)outcome], Count(outcome)));

    /// <summary>The connection's first step on a listener in PROXY mode.</summary>
    public async Task OnConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var tracked = connection.Features.GetRequiredFeature<KestrelConnection>();
        var outcome = await ReadAsync(tracked, connection.Transport.Input, connection.RemoteEndPoint);
        Interlocked.Increment(ref _outcomes[(int)outcome]);
        if (outcome is ProxyHeaderOutcome.Accepted or ProxyHeaderOutcome.Direct)
        {
            // A direct client was asked at the door.
            if (tracked.Claim.Kind != ProxyClaimKind.Client || !gate.TryRejectEarly(tracked.Claim.Source))
            {
                await next(connection);
            }

            return;
        }

        Log.Refused(logger, outcome, connection.RemoteEndPoint);
        if (outcome == ProxyHeaderOutcome.Unlisted)
        {
            warning.HeaderFromUntrustedPeer();
        }
        else if (outcome is ProxyHeaderOutcome.Missing or ProxyHeaderOutcome.Malformed)
        {
            warning.HeaderIsMissing();
        }
    }

    /// <summary>
    /// The first step on every other listener, where a PROXY header is no request: without this look TLS and HTTP would turn
    /// away everybody behind that proxy, and nobody would hear why.
    /// </summary>
    public async Task OnOtherConnectionAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var outcome = await LookAsync(connection.Transport.Input);
        if (outcome == ProxyHeaderOutcome.Direct)
        {
            await next(connection);
        }
        else if (outcome == ProxyHeaderOutcome.Unlisted)
        {
            Interlocked.Increment(ref _outcomes[(int)ProxyHeaderOutcome.Unexpected]);
            Log.Refused(logger, ProxyHeaderOutcome.Unexpected, connection.RemoteEndPoint);
            if (IsTrusted(connection.RemoteEndPoint))
            {
                warning.HeaderIsMissing();
            }
            else
            {
                warning.HeaderFromUntrustedPeer();
            }
        }
    }

    private static async ValueTask<ProxyHeaderOutcome> LookAsync(PipeReader input)
    {
        try
        {
            return await RefuseHeaderAsync(input);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return ProxyHeaderOutcome.Gone;
        }
    }

    private bool IsTrusted(EndPoint? peer) => peer is IPEndPoint endPoint && proxies.TryFind(IpKey.From(endPoint.Address), out _);

    private async ValueTask<ProxyHeaderOutcome> ReadAsync(Connection connection, PipeReader input, EndPoint? peer)
    {
        try
        {
            return IsTrusted(peer)
                ? await TakeHeaderAsync(connection, input)
                : await RefuseHeaderAsync(input);
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException)
        {
            return connection.Handshake is null ? ProxyHeaderOutcome.TooSlow : ProxyHeaderOutcome.Gone;
        }
    }

    private static async ValueTask<ProxyHeaderOutcome> TakeHeaderAsync(Connection connection, PipeReader input)
    {
        while (true)
        {
            var read = await input.ReadAsync();
            var status = ProxyHeader.Read(read.Buffer, out var claim, out var length);
            switch (status)
            {
                case ProxyHeaderStatus.Complete:
                    connection.Claim = claim;
                    input.AdvanceTo(read.Buffer.GetPosition(length));
                    return ProxyHeaderOutcome.Accepted;
                case ProxyHeaderStatus.Incomplete when !read.IsCompleted:
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    return status switch
                    {
                        ProxyHeaderStatus.Absent => ProxyHeaderOutcome.Missing,
                        ProxyHeaderStatus.Malformed => ProxyHeaderOutcome.Malformed,
                        _ => ProxyHeaderOutcome.Gone,
                    };
            }
        }
    }

    private static async ValueTask<ProxyHeaderOutcome> RefuseHeaderAsync(PipeReader input)
    {
        for (long examined = 0; ;)
        {
            var read = await input.ReadAsync();
            switch (ProxyHeader.Peek(read.Buffer))
            {
                case ProxyHeaderStatus.Absent:
                    // Nothing is taken, and the next reader must find the bytes that came last unexamined.
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.GetPosition(examined));
                    return ProxyHeaderOutcome.Direct;
                case ProxyHeaderStatus.Incomplete when !read.IsCompleted:
                    examined = read.Buffer.Length;
                    input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                    break;
                case ProxyHeaderStatus.Complete:
                    input.AdvanceTo(read.Buffer.End);
                    return ProxyHeaderOutcome.Unlisted;
                default:
                    input.AdvanceTo(read.Buffer.End);
                    return ProxyHeaderOutcome.Gone;
            }
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Debug, "A connection of {Peer} was closed before HTTP, PROXY header: {Outcome}")]
        public static partial void Refused(ILogger logger, ProxyHeaderOutcome outcome, EndPoint? peer);
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
