using System.Text;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Clients;
using Relay.Events;
using Relay.Sessions;

namespace Relay.Admin;

/// <summary>The gRPC service of the client sockets: request, one call, reply.</summary>
internal sealed class ConnectionService(
    ConnectionMapper connections, PacedDisconnector closer, Drainer drainer, RelayEvents events, IHostApplicationLifetime lifetime, TimeProvider time)
    : AdminApi.ConnectionService.ConnectionServiceBase
{
    private const int MaxShown = 20;
    private const int DefaultRate = 100;
    private const int MaxRate = 100_000;

    // A close frame's payload is at most 125 bytes, of which the code takes two (RFC 6455 section 5.5).
    private const int MaxCloseReason = 123;

    private static readonly TimeSpan DefaultDeadline = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan MaxDeadline = TimeSpan.FromHours(24);
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    public override Task<ListConnectionsResponse> ListConnections(ListConnectionsRequest request, ServerCallContext context) =>
        Task.FromResult(connections.Read(request));

    public override Task<DisconnectResponse> Disconnect(DisconnectRequest request, ServerCallContext context)
    {
        var filter = Check(request);
        var hit = connections.Clients(filter).ToList();
        if (!request.DryRun)
        {
            var code = (ushort)(request.CloseCode == 0 ? 1008 : request.CloseCode);
            closer.Disconnect(hit, code, request.CloseReason.Length == 0 ? "Disconnected by the operator" : request.CloseReason);
            events.Publish(new ClientsDisconnected(hit.Count) { Who = AdminCaller.Of(context).Who, Reason = request.Reason });
        }

        return Task.FromResult(new DisconnectResponse { Connections = hit.Count, Sample = { hit.Take(MaxShown).Select(connections.Row) } });
    }

    public override async Task Drain(DrainRequest request, IServerStreamWriter<DrainProgress> responseStream, ServerCallContext context)
    {
        var errors = new List<(string, string)>();
        if (request.Rate is < 0 or > MaxRate)
        {
            errors.Add(("rate", $"{request.Rate} is not in 0 to {MaxRate:#,0}"));
        }

        var deadline = PolicyMapper.Length("deadline", request.Deadline, MaxDeadline, errors) ?? DefaultDeadline;
        PolicyMapper.CheckReason(request.Reason, errors);
        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        var rate = request.Rate == 0 ? DefaultRate : request.Rate;
        drainer.Start(rate, deadline, AdminCaller.Of(context).Who, request.Reason);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var timer = new PeriodicTimer(ProgressInterval, time);
        try
        {
            while (true)
            {
                var progress = Progress(drainer.State());
                await responseStream.WriteAsync(progress, stop.Token);
                if (progress.State != DrainProgress.Types.State.Draining)
                {
                    return;
                }

                await timer.WaitForNextTickAsync(stop.Token);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw AdminErrors.Stopping();
        }
        catch (OperationCanceledException)
        {
            // The caller hung up; the drain goes on.
        }
    }

    public override Task<DrainProgress> CancelDrain(CancelDrainRequest request, ServerCallContext context)
    {
        if (!drainer.Cancel(AdminCaller.Of(context).Who, request.Reason))
        {
            throw AdminErrors.Precondition(drainer.IsForStop ? "the relay drains because it is stopping, which cannot be cancelled" : "no drain is in progress");
        }

        return Task.FromResult(Progress(drainer.State()));
    }

    private static DrainProgress Progress(DrainState state) => new()
    {
        State = !state.IsOn ? DrainProgress.Types.State.Cancelled
            : state.Remaining == 0 ? DrainProgress.Types.State.Done
            : DrainProgress.Types.State.Draining,
        Remaining = state.Remaining,
        Closed = state.Closed,
        Estimate = Duration.FromTimeSpan(state.Estimate),
        Elapsed = Duration.FromTimeSpan(state.Elapsed),
    };

    private static Func<Session, bool> Check(DisconnectRequest request)
    {
        var errors = new List<(string, string)>();
        PolicyMapper.CheckReason(request.Reason, errors);
        if (request.CloseCode is not (0 or 1000 or 1001 or 1008 or (>= 1011 and <= 1013) or (>= 3000 and <= 4999)))
        {
            errors.Add(("close_code", $"{request.CloseCode} may not be sent; allowed: 1000, 1001, 1008, 1011 to 1013, 3000 to 4999"));
        }

        if (Encoding.UTF8.GetByteCount(request.CloseReason) > MaxCloseReason)
        {
            errors.Add(("close_reason", $"{Encoding.UTF8.GetByteCount(request.CloseReason)} bytes; at most {MaxCloseReason}"));
        }

        var network = default(IpPrefix);
        if (request.SelectorCase == DisconnectRequest.SelectorOneofCase.None)
        {
            errors.Add(("id", "give an id, a network, a pairing_code or a peer_id"));
        }
        else if (request.SelectorCase == DisconnectRequest.SelectorOneofCase.Network && !IpPrefix.TryParse(request.Network, out network, out var error))
        {
            errors.Add(("network", error));
        }

        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        return request.SelectorCase switch
        {
            DisconnectRequest.SelectorOneofCase.Id => session => session.Id == request.Id,
            DisconnectRequest.SelectorOneofCase.Network => session => network.Contains(session.Address),
            DisconnectRequest.SelectorOneofCase.PairingCode => session => Client.Of(session).Code == request.PairingCode,
            _ => session => Client.Of(session).PeerId == request.PeerId,
        };
    }
}
