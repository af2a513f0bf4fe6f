using System.Net.Sockets;
using Relay.Addresses;
using Relay.Admission;
using Relay.Policy;
using Relay.Sessions;

namespace Relay.Federation;

/// <summary>Dials the servers that have no link with this relay, a few at a time; each link is a session like any other.</summary>
internal sealed partial class PeerDialer(
    PeerTargets targets,
    PeerConnector connector,
    PeerTable peers,
    PeerAuthenticator authenticator,
    SessionServices services,
    LimitPolicyStore policies,
    RelayState state,
    ILogger<PeerDialer> logger)
    : IDisposable
{
    public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    /// <summary>Attempts at once; a link that is open is no attempt.</summary>
    private const int MaxAtOnce = 8;

    private readonly CancellationTokenSource _stop = new();

    // Atomic.
    private int _dialling;

    public void Tick()
    {
        if (state.Phase is RelayPhase.Starting or RelayPhase.Stopping || state.HasSuccessor)
        {
            return;
        }

        targets.SetDiscovered(authenticator.Gossip.ToDial());
        var capacity = Math.Min(MaxAtOnce - Volatile.Read(ref _dialling), peers.Free);
        if (capacity <= 0)
        {
            return;
        }

        foreach (var (target, serverId, endpoint) in targets.TakeDue(capacity, IsWanted))
        {
            Interlocked.Increment(ref _dialling);
            _ = DialAsync(target, serverId, endpoint);
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _stop.Dispose();
    }

    private bool IsWanted(string? serverId) => serverId is null || (authenticator.Admits(serverId) && peers.Find(serverId) is null);

    private async Task DialAsync(PeerTarget target, string? serverId, string endpoint)
    {
        var end = DialEnd.Failed;
        var lastWords = "";
        var isDialling = true;
        try
        {
            using var connection = await connector.ConnectAsync(endpoint, _stop.Token);
            var address = IpKey.From(connection.Address);
            var link = peers.EnterDialled(connection.Address, address.TruncateIpv6(policies.Current.Ipv6Prefix));
            var session = new Session(
                services.Table.NextId(), address, link.Key, connection, new PeerHandler(link, authenticator, serverId, Linked), services);
            await connection.RunAsync(session);
            (end, lastWords) = (LastWords.EndOf(session, link), LastWords.Of(session.Ending!));
        }
        catch (Exception exception) when (exception is IOException or HttpRequestException or OperationCanceledException or SocketException)
        {
            lastWords = exception.Message;
        }
        catch (Exception exception)
        {
            lastWords = "a bug in relayd";
            Log.Failed(logger, exception, endpoint);
        }
        finally
        {
            if (isDialling)
            {
                Interlocked.Decrement(ref _dialling);
            }

            targets.End(target, end, lastWords);
        }

        // The attempt ends with its handshake; the link may last for months.
        void Linked(string answered)
        {
            isDialling = false;
            Interlocked.Decrement(ref _dialling);
            targets.Answered(target, answered);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Dialling {Endpoint} failed by a bug in relayd")]
        public static partial void Failed(ILogger logger, Exception exception, string endpoint);
    }
}
