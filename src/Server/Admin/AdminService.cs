using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>The gRPC service: request, one call, reply.</summary>
internal sealed class AdminService(
    StatsStream stats,
    EventStream events,
    IpMapper ips,
    RelayMapper relays,
    ChannelMapper channels,
    FederationMapper federation,
    LedgerReconciler audit,
    AuditMapper trail,
    TokenMapper tokens) : AdminApi.AdminService.AdminServiceBase
{
    private const int MaxDriftRows = 100;

    public override Task<Stats> GetStats(GetStatsRequest request, ServerCallContext context) => stats.ReadAsync(request.Cluster, context);

    public override Task WatchStats(WatchStatsRequest request, IServerStreamWriter<Stats> responseStream, ServerCallContext context) =>
        stats.WatchAsync(request, responseStream, context);

    public override Task WatchEvents(WatchEventsRequest request, IServerStreamWriter<EventEntry> responseStream, ServerCallContext context) =>
        events.WatchAsync(request, responseStream, context);

    public override Task<ListIpsResponse> ListIps(ListIpsRequest request, ServerCallContext context) => Task.FromResult(ips.Read(request));

    public override Task<ListRelaysResponse> ListRelays(ListRelaysRequest request, ServerCallContext context) =>
        Task.FromResult(relays.Read(request));

    public override Task<ListChannelsResponse> ListChannels(ListChannelsRequest request, ServerCallContext context) =>
        Task.FromResult(channels.Read(request));

    public override Task<ListPeersResponse> ListPeers(ListPeersRequest request, ServerCallContext context) =>
        Task.FromResult(federation.Peers());

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

    public override Task<Caller> GetCaller(GetCallerRequest request, ServerCallContext context) =>
        Task.FromResult(CallerMapper.Of(AdminCaller.Of(context).Identity));

    public override Task<CreateTokenResponse> CreateToken(CreateTokenRequest request, ServerCallContext context) =>
        Task.FromResult(tokens.Create(request, AdminCaller.Of(context)));

    public override Task<ListTokensResponse> ListTokens(ListTokensRequest request, ServerCallContext context) => Task.FromResult(tokens.List(request));

    public override Task<RevokeTokenResponse> RevokeToken(RevokeTokenRequest request, ServerCallContext context) =>
        Task.FromResult(tokens.Revoke(request, AdminCaller.Of(context)));
}
