using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http.Features;
using Relay.Access;
using Relay.AuditLog;

namespace Relay.Admin;

/// <summary>
/// The one gate before every method of every service: finds out who calls, refuses who may not, and writes the audit. A
/// call of a method that changes something leaves exactly one entry, however it ends; of one that only looks, none unless
/// it is refused.
/// </summary>
internal sealed class AdminInterceptor(CallerJudge judge, AuditRecorder audit, TimeProvider time) : Interceptor
{
    private const string RequestId = "request-id";
    private const string Authorization = "authorization";

    // Atomic.
    private long _unauthenticated;
    private long _denied;

    /// <summary>Calls of somebody who did not prove who they are.</summary>
    public long Unauthenticated => Interlocked.Read(ref _unauthenticated);

    /// <summary>Calls of somebody whose role was too low.</summary>
    public long Denied => Interlocked.Read(ref _denied);

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var caller = await EnterAsync(context, request);
        try
        {
            var response = await continuation(request, context);
            Audit(caller, context, request, AuditEntry.Ok, null);
            return response;
        }
        catch (Exception exception)
        {
            var status = StatusOf(exception);
            Audit(caller, context, request, Name(status.StatusCode), status.Detail);
            throw;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var caller = await EnterAsync(context, request);
        // What a stream changes it changes before its first answer, and may tell of it for hours: audited then, or when it
        // ends without one.
        var isAudited = false;
        try
        {
            await continuation(request, Valid(responseStream, caller, () => AuditOnce(AuditEntry.Ok, null)), context);
            AuditOnce(AuditEntry.Ok, null);
        }
        catch (Exception exception) when (IsHangUp(exception))
        {
            AuditOnce(Name(StatusCode.Cancelled), "the caller hung up");
            throw Cancelled();
        }
        catch (Exception exception)
        {
            var status = StatusOf(exception);
            AuditOnce(Name(status.StatusCode), status.Detail);
            throw;
        }

        void AuditOnce(string result, string? text)
        {
            if (!isAudited)
            {
                isAudited = true;
                Audit(caller, context, request, result, text);
            }
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var caller = await EnterAsync(context, null);
        try
        {
            await continuation(requestStream, Valid(responseStream, caller), context);
        }
        catch (Exception exception) when (IsHangUp(exception))
        {
            throw Cancelled();
        }
    }

    // No service here has such a method; if one gets one, it is behind the gate.
    public override async Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        await EnterAsync(context, null);
        return await continuation(requestStream, context);
    }

    private async Task<AdminCaller> EnterAsync(ServerCallContext context, object? request)
    {
        var http = context.GetHttpContext();
        var connection = http.Features.GetRequiredFeature<AdminConnection>();
        await WaitForTurnAsync(connection, context.CancellationToken);
        var identity = judge.Identify(connection, context.RequestHeaders.GetValue(Authorization), http.Connection.ClientCertificate, out var problem);
        connection.IsKnown |= identity.Role > AdminRole.None;
        var caller = new AdminCaller(identity, connection, context.Method);
        caller.AttachTo(context);
        context.ResponseTrailers.Add(RequestId, caller.RequestId);
        if (problem is not null)
        {
            throw Pending(caller, request, problem);
        }

        if (CallerJudge.Objection(caller, context.Method) is { } objection)
        {
            Interlocked.Increment(ref _denied);
            audit.RecordRefusal(Entry(caller, request, Name(StatusCode.PermissionDenied), objection), ofStranger: false);
            throw new RpcException(new Status(StatusCode.PermissionDenied, objection));
        }

        return caller;
    }

    // Slowed down and not refused: an operator's script need not know the rate, and the number of those who wait is bounded.
    private async Task WaitForTurnAsync(AdminConnection connection, CancellationToken cancellationToken)
    {
        if (connection.TakeTurn() is { Ticks: > 0 } wait)
        {
            try
            {
                await Task.Delay(wait, time, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                throw Cancelled();
            }
        }
    }

    private RpcException Pending(AdminCaller caller, object? request, string problem)
    {
        Interlocked.Increment(ref _unauthenticated);
        if (!judge.MayFail(caller.Connection))
        {
            caller.Connection.CloseSoon();
            audit.OmitRefusal();
            return AdminErrors.TooManyFailures(caller.Connection.RemoteAddress);
        }

        audit.RecordRefusal(Entry(caller, request, Name(StatusCode.Unauthenticated), problem), ofStranger: true);
        return new RpcException(new Status(StatusCode.Unauthenticated, problem));
    }

    private void Audit(AdminCaller caller, ServerCallContext context, object request, string result, string? text)
    {
        if (MethodRoles.Of(context.Method).Changes)
        {
            audit.Record(Entry(caller, request, result, text));
        }
    }

    private ValidStream<T> Valid<T>(IServerStreamWriter<T> stream, AdminCaller caller, Action? answering = null) =>
        new(stream, () => judge.IsStillValid(caller.Identity), answering);

    private static Status StatusOf(Exception exception) =>
        exception is RpcException refused ? refused.Status : new Status(StatusCode.Unknown, "a defect of the relay; its log says more");

    private static AuditEntry Entry(AdminCaller caller, object? request, string result, string? text) => request is IMessage message
        ? AuditEntry.Of(caller, RequestSummary.Of(message), RequestSummary.ReasonOf(message), result, text)
        : AuditEntry.Of(caller, "", null, result, text);

    // PermissionDenied: PERMISSION_DENIED, as gRPC itself spells it.
    private static string Name(StatusCode code) => string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{c}")).ToUpperInvariant();

    // The reset stream may throw before the call's token says so: the kind of exception is what counts.
    private static bool IsHangUp(Exception exception) => exception is IOException or OperationCanceledException;

    private static RpcException Cancelled() => new(new Status(StatusCode.Cancelled, "the caller hung up"));
}
