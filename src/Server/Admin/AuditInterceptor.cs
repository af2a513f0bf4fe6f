using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Relay.AdminAuth;
using Relay.AuditLog;

namespace Relay.Admin;

/// <summary>
/// Audits calls that were authorized. A call of a mutating method leaves exactly one entry, however it ends; of a read-only
/// one, none. Every reply has the id of its request, and a stream ends when what authenticated its caller is no longer valid.
/// </summary>
internal sealed partial class AuditInterceptor(CallerAuthenticator authenticator, AuditRecorder audit, ILogger<AuditInterceptor> logger) : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var caller = Enter(context);
        try
        {
            var response = await continuation(request, context);
            Audit(caller, context, request, AuditEntry.Ok, null);
            return response;
        }
        catch (Exception exception)
        {
            var status = StatusOf(exception, caller);
            Audit(caller, context, request, status.StatusCode.ToWireName(), status.Detail);
            throw;
        }
    }

    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var caller = Enter(context);
        // What a stream changes it changes before its first answer, and may report on it for hours: audited then, or when it
        // ends without one.
        var isAudited = false;
        try
        {
            await continuation(request, Valid(responseStream, caller, () => AuditOnce(AuditEntry.Ok, null)), context);
            AuditOnce(AuditEntry.Ok, null);
        }
        catch (Exception exception) when (IsHangUp(exception, context))
        {
            AuditOnce(StatusCode.Cancelled.ToWireName(), "the caller hung up");
            throw Cancelled();
        }
        catch (Exception exception)
        {
            var status = StatusOf(exception, caller);
            AuditOnce(status.StatusCode.ToWireName(), status.Detail);
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

    // Reflection, which is read-only.
    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        var caller = Enter(context);
        try
        {
            await continuation(requestStream, Valid(responseStream, caller), context);
        }
        catch (Exception exception) when (IsHangUp(exception, context))
        {
            throw Cancelled();
        }
    }

    private static AdminCaller Enter(ServerCallContext context)
    {
        var caller = AdminCaller.Of(context);
        caller.Read();
        context.ResponseTrailers.Add(AdminErrors.RequestId, caller.RequestId);
        return caller;
    }

    private void Audit(AdminCaller caller, ServerCallContext context, object request, string result, string? text)
    {
        if (context.GetHttpContext().GetEndpoint()?.Metadata.GetMetadata<MethodAuthorization>() is not { IsMutating: false })
        {
            var message = (IMessage)request;
            audit.Record(AuditEntry.Of(caller, RequestSummary.Of(message), RequestSummary.ReasonOf(message), result, text));
        }
    }

    private ValidStream<T> Valid<T>(IServerStreamWriter<T> stream, AdminCaller caller, Action? answering = null) =>
        new(stream, () => authenticator.IsStillValid(caller.Identity), answering);

    private Status StatusOf(Exception exception, AdminCaller caller)
    {
        if (exception is RpcException refused)
        {
            return refused.Status;
        }

        Log.Failed(logger, exception, caller.Method, caller.RequestId);
        return new Status(StatusCode.Unknown, "a bug in relayd; its log says more");
    }

    // The reset stream may throw before the call's token says so: the kind of exception is what counts. Writing to a call that is
    // over is gRPC's InvalidOperationException.
    private static bool IsHangUp(Exception exception, ServerCallContext context) =>
        exception is IOException or OperationCanceledException
        || (exception is InvalidOperationException && context.CancellationToken.IsCancellationRequested);

    private static RpcException Cancelled() => new(new Status(StatusCode.Cancelled, "the caller hung up"));

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Call of {Method} failed by a bug in relayd (request {RequestId})")]
        public static partial void Failed(ILogger logger, Exception exception, string method, string requestId);
    }
}
