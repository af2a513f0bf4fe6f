using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Federation;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>The gRPC service: request, one call, reply.</summary>
internal sealed class AdminService(
    ServerSnapshot snapshot,
    IpMapper ips,
    RelayMapper relays,
    ChannelMapper channels,
    PeerTable peers,
    LedgerReconciler audit,
    AuditMapper trail,
    TokenMapper tokens,
    IHostApplicationLifetime lifetime,
    TimeProvider time) : AdminApi.AdminService.AdminServiceBase
{
    private const int MaxDriftRows = 100;
    private static readonly TimeSpan MinInterval = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan MaxInterval = TimeSpan.FromHours(1);

    public override Task<Stats> GetStats(GetStatsRequest request, ServerCallContext context) => Task.FromResult(snapshot.Read());

    public override async Task WatchStats(WatchStatsRequest request, IServerStreamWriter<Stats> responseStream, ServerCallContext context)
    {
        var given = request.Interval ?? Duration.FromTimeSpan(TimeSpan.FromSeconds(1));
        var interval = TimeSpan.FromSeconds(Math.Clamp(given.Seconds, -1, 1_000_000) + (given.Nanos / 1e9));
        if (interval < MinInterval || interval > MaxInterval || given.Nanos is < 0 or > 999_999_999)
        {
            throw AdminErrors.Invalid(("interval", $"{given.Seconds} s and {given.Nanos} ns is not in 0.1 s to 1 h"));
        }

        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(interval, time);
        try
        {
            do
            {
                await responseStream.WriteAsync(snapshot.Read(), stop.Token);
            }
            while (await timer.WaitForNextTickAsync(stop.Token));
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw AdminErrors.Stopping();
        }
        catch (OperationCanceledException)
        {
            // The caller hung up.
        }
    }

    public override Task<ListIpsResponse> ListIps(ListIpsRequest request, ServerCallContext context) => Task.FromResult(ips.Read(request));

    public override Task<ListRelaysResponse> ListRelays(ListRelaysRequest request, ServerCallContext context) =>
        Task.FromResult(relays.Read(request));

    public override Task<ListChannelsResponse> ListChannels(ListChannelsRequest request, ServerCallContext context) =>
        Task.FromResult(channels.Read(request));

    public override Task<ListPeersResponse> ListPeers(ListPeersRequest request, ServerCallContext context) =>
        Task.FromResult(new ListPeersResponse { Peers = { peers.Snapshot().Select(PeerRow) } });

    public override async Task<VerifyResponse> Verify(VerifyRequest request, ServerCallContext context)
    {
        var result = await audit.RunAsync(context.CancellationToken);
        return new VerifyResponse
        {
            Ok = result.Ok,
            LedgerConnections = result.Ledger,
            LiveConnections = result.Live,
            Drift = result.Drift,
            Uncounted = result.Uncounted,
            Time = Timestamp.FromDateTimeOffset(result.Time),
            Addresses =
            {
                result.Keys.Take(MaxDriftRows).Select(row => new IpDrift
                {
                    Key = row.Key.ToString(),
                    LedgerConnections = row.Ledger,
                    LiveConnections = row.Live,
                }),
            },
        };
    }

    public override Task<ListAuditResponse> ListAudit(ListAuditRequest request, ServerCallContext context) => Task.FromResult(trail.Read(request));

    public override Task<CreateTokenResponse> CreateToken(CreateTokenRequest request, ServerCallContext context) =>
        Task.FromResult(tokens.Create(request, AdminCaller.Of(context)));

    public override Task<ListTokensResponse> ListTokens(ListTokensRequest request, ServerCallContext context) => Task.FromResult(tokens.List(request));

    public override Task<RevokeTokenResponse> RevokeToken(RevokeTokenRequest request, ServerCallContext context) =>
        Task.FromResult(tokens.Revoke(request, AdminCaller.Of(context)));

    private static Peer PeerRow(PeerSnapshot peer) => new()
    {
        ServerId = peer.ServerId,
        Endpoint = peer.Endpoint,
        Region = peer.Region,
        Address = peer.Address.ToString(),
        ConnectedAt = Timestamp.FromDateTimeOffset(peer.ConnectedAt),
        LastSeen = Timestamp.FromDateTimeOffset(peer.LastSeen),
        FramesReceived = peer.FramesReceived,
    };
}
