using System.Text;
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
    ConnectionMapper connections,
    ClusterConnections all,
    PacedDisconnector closer,
    ClusterDrains drains,
    RelayEvents events,
    StreamingCalls calls,
    TimeProvider time)
    : AdminApi.ConnectionService.ConnectionServiceBase
{
    private const int MaxShown = 20;

    // A close frame's payload is at most 125 bytes, of which the code takes two (RFC 6455 section 5.5).
    private const int MaxCloseReason = 123;

    private const long MaxIdleSeconds = 10L * 365 * 86_400;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);

    public override Task<ListConnectionsResponse> ListConnections(ListConnectionsRequest request, ServerCallContext context) =>
        request.Cluster ? all.ReadAsync(request, context) : Task.FromResult(connections.Read(request));

    public override Task<DisconnectResponse> Disconnect(DisconnectRequest request, ServerCallContext context)
    {
        var filter = Check(request);
        var hit = connections.Clients(filter, request.Kind).ToList();
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
        var progress = await drains.StartAsync(request, context);
        using var timer = new PeriodicTimer(ProgressInterval, time);
        // A caller who hangs up is told no more; the drain goes on.
        await calls.RunAsync(context, async (waits, writes) =>
        {
            while (true)
            {
                await responseStream.WriteAsync(progress, writes);
                if (progress.State != DrainProgress.Types.State.Draining)
                {
                    return;
                }

                await timer.WaitForNextTickAsync(waits);
                progress = await drains.ProgressAsync(request.Node, context);
            }
        });
    }

    public override Task<DrainProgress> CancelDrain(CancelDrainRequest request, ServerCallContext context) => drains.CancelAsync(request, context);

    private Func<Session, bool> Check(DisconnectRequest request)
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
        if (!Enum.IsDefined(request.Kind))
        {
            errors.Add(("kind", $"{request.Kind:D} is no kind"));
        }

        var idle = ReadIdle(request, errors);
        if (request.SelectorCase == DisconnectRequest.SelectorOneofCase.None && request.Idle is null && request.Kind == ListConnectionsRequest.Types.Kind.Unspecified)
        {
            errors.Add(("id", "give an id, a network, a pairing_code, a peer_id, a subject, an idle time or a kind"));
        }
        else if (request.SelectorCase == DisconnectRequest.SelectorOneofCase.Network && !IpPrefix.TryParse(request.Network, out network, out var error))
        {
            errors.Add(("network", error));
        }
        else if (request.SelectorCase == DisconnectRequest.SelectorOneofCase.Subject && SubjectName.Check(request.Subject) is { } wrong)
        {
            errors.Add(("subject", wrong));
        }

        if (errors.Count > 0)
        {
            throw AdminErrors.Invalid(errors);
        }

        return session => (idle == TimeSpan.Zero || time.GetElapsedTime(Volatile.Read(ref session.LastMessage)) >= idle) && request.SelectorCase switch
        {
            DisconnectRequest.SelectorOneofCase.Id => session.Id == request.Id,
            DisconnectRequest.SelectorOneofCase.Network => network.Contains(session.Address),
            DisconnectRequest.SelectorOneofCase.PairingCode => Client.Of(session).Code == request.PairingCode,
            DisconnectRequest.SelectorOneofCase.PeerId => Client.Of(session).PeerId == request.PeerId,
            DisconnectRequest.SelectorOneofCase.Subject => session.Subject?.Name == request.Subject,
            _ => true,
        };
    }

    // Zero: not asked for.
    private static TimeSpan ReadIdle(DisconnectRequest request, List<(string, string)> errors)
    {
        if (request.Idle is null)
        {
            return TimeSpan.Zero;
        }

        // Its seconds and nanoseconds may be anything; ToTimeSpan throws then.
        if (request.Idle is { Seconds: >= 1 and <= MaxIdleSeconds, Nanos: >= 0 and < 1_000_000_000 })
        {
            return request.Idle.ToTimeSpan();
        }

        errors.Add(("idle", "must be 1 s to 10 years"));
        return TimeSpan.Zero;
    }
}
