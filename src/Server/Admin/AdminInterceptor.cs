using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;
using Microsoft.AspNetCore.Http.Features;
using Relay.Access;
using Relay.AuditTrail;

namespace Relay.Admin;

/// <summary>
/// The one gate before every method of every service: finds out who calls, refuses who may not, and writes the audit. A
/// call of a method that changes something leaves exactly one entry, however it ends; of one that only looks, none unless
/// it is refused.
/// </summary>
internal sealed class AdminInterceptor(CallerJudge judge, AuditLog audit) : Interceptor
{
    private const string RequestId = "request-id";

    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var caller = Enter(context, request);
        try
        {
            var response = await continuation(request, context);
            Audit(caller, context, request, AuditEntry.Ok, null);
            return response;
        }
        catch (Exception exception)
        {
            var status = exception is RpcException refused ? refused.Status : new Status(StatusCode.Unknown, "a defect of the relay; its log says more");
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
        Enter(context, request);
        try
        {
            await continuation(request, responseStream, context);
        }
        catch (Exception exception) when (IsHangUp(exception))
        {
            throw Cancelled();
        }
    }

    public override async Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Enter(context, null);
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception) when (IsHangUp(exception))
        {
            throw Cancelled();
        }
    }

    // No service here has such a method; if one gets one, it is behind the gate.
    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Enter(context, null);
        return continuation(requestStream, context);
    }

    private AdminCaller Enter(ServerCallContext context, object? request)
    {
        var connection = context.GetHttpContext().Features.GetRequiredFeature<AdminConnection>();
        var caller = new AdminCaller(judge.Identify(connection), connection, context.Method);
        caller.AttachTo(context);
        context.ResponseTrailers.Add(RequestId, caller.RequestId);
        if (CallerJudge.Objection(caller, context.Method) is { } objection)
        {
            audit.RecordRefusal(Entry(caller, request, Name(StatusCode.PermissionDenied), objection), ofStranger: false);
            throw new RpcException(new Status(StatusCode.PermissionDenied, objection));
        }

        return caller;
    }

    private void Audit(AdminCaller caller, ServerCallContext context, object request, string result, string? text)
    {
        if (MethodRoles.Needed(context.Method) > AdminRole.Read)
        {
            audit.Record(Entry(caller, request, result, text));
        }
    }

    private static AuditEntry Entry(AdminCaller caller, object? request, string result, string? text) => request is IMessage message
        ? AuditEntry.Of(caller, ShortText.Of(message), ShortText.ReasonOf(message), result, text)
        : AuditEntry.Of(caller, "", null, result, text);

    // PermissionDenied: PERMISSION_DENIED, as gRPC itself spells it.
    private static string Name(StatusCode code) => string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{c}")).ToUpperInvariant();

    // The reset stream may throw before the call's token says so: the kind of exception is what counts.
    private static bool IsHangUp(Exception exception) => exception is IOException or OperationCanceledException;

    private static RpcException Cancelled() => new(new Status(StatusCode.Cancelled, "the caller hung up"));
}
