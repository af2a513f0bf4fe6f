using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.Access;
using Relay.AdminApi;
using Relay.Admission;
using Relay.AuditLog;
using Relay.Federation;
using Relay.Policy;
using Relay.Transport;

namespace Relay.Admin;

/// <summary>The gRPC service: request, one call, reply.</summary>
internal sealed class AdminService(
    ServerSnapshot snapshot,
    PolicyChanges changes,
    ConnectionLedger ledger,
    LimitPolicyStore policies,
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
    private const int MaxReason = 256;
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

    public override Task<GetLimitsResponse> GetLimits(GetLimitsRequest request, ServerCallContext context) =>
        Task.FromResult(new GetLimitsResponse { Limits = ServerSnapshot.Limits(policies.Current) });

    public override Task<SetLimitsResponse> SetLimits(SetLimitsRequest request, ServerCallContext context)
    {
        Check(request);
        var edits = new Dictionary<string, string?>();
        if (request.HasTotal)
        {
            edits[PolicyItems.Total] = FormattableString.Invariant($"{request.Total}");
        }

        if (request.HasPerIp)
        {
            edits[PolicyItems.PerIp] = FormattableString.Invariant($"{request.PerIp}");
        }

        var result = changes.Make(new PolicyChange(edits, AdminCaller.Of(context).Who, request.Reason)
        {
            ExpectedRevision = request.HasExpectedRevision ? request.ExpectedRevision : null,
        });
        var (before, after) = (result.Before, result.After);
        AdminCaller.Of(context).Changed(RequestSummary.Of(ServerSnapshot.Limits(before)), RequestSummary.Of(ServerSnapshot.Limits(after)));
        var effect = Admission.PolicyEffect.Of(ledger, after, time);
        return Task.FromResult(new SetLimitsResponse
        {
            Before = ServerSnapshot.Limits(before),
            After = ServerSnapshot.Limits(after),
            Connections = effect.Live,
            AddressesOverLimit = effect.Over.Count(over => !over.IsNetwork),
            Warnings = { PolicyWarnings.Of(after, effect) },
        });
    }

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

    private static void Check(SetLimitsRequest request)
    {
        var violations = new List<(string, string)>();
        foreach (var (field, given, value) in new[] { ("total", request.HasTotal, request.Total), ("per_ip", request.HasPerIp, request.PerIp) })
        {
            if (given && value is < 1 or > AdmissionOptions.MaxLimit)
            {
                violations.Add((field, $"{value} is not in 1 to {AdmissionOptions.MaxLimit:#,0}"));
            }
        }

        if (!request.HasTotal && !request.HasPerIp)
        {
            violations.Add(("total", "give total, per_ip or both"));
        }

        if (request.Reason.Length > MaxReason)
        {
            violations.Add(("reason", $"{request.Reason.Length} characters; at most {MaxReason}"));
        }

        if (violations.Count > 0)
        {
            throw AdminErrors.Invalid(violations);
        }
    }

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
