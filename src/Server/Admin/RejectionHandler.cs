using Grpc.Core;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http.Features;
using Relay.AdminAuth;
using Relay.AuditLog;

namespace Relay.Admin;

/// <summary>
/// Answers and audits requests without rights, from their heads alone: nothing has read their bodies. gRPC calls get a
/// status without messages ("trailers only"), other requests an HTTP status and a line of text.
/// </summary>
internal sealed class RejectionHandler(CallerAuthenticator authenticator, AuditRecorder audit) : IAuthorizationMiddlewareResultHandler
{
    private const string GrpcContentType = "application/grpc";

    // Atomic.
    private long _unauthenticated;
    private long _denied;

    /// <summary>Requests of callers who are not authenticated.</summary>
    public long Unauthenticated => Interlocked.Read(ref _unauthenticated);

    /// <summary>Requests of callers whose role was too low.</summary>
    public long Denied => Interlocked.Read(ref _denied);

    public Task HandleAsync(RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        if (authorizeResult.Succeeded)
        {
            return next(context);
        }

        var caller = context.Features.GetRequiredFeature<AdminCaller>();
        var status = caller.AuthenticationFailure is { } failure
            ? Unauthenticate(caller, failure)
            : Deny(caller, context.GetEndpoint()?.Metadata.GetMetadata<MethodAuthorization>() ?? MethodAuthorization.ReadOnly);
        var isGrpc = context.Request.ContentType?.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase) is true;
        context.Response.Headers[AdminErrors.RequestId] = caller.RequestId;
        return isGrpc ? AnswerCall(context.Response, status) : AnswerRequestAsync(context.Response, status);
    }

    private Status Unauthenticate(AdminCaller caller, string failure)
    {
        Interlocked.Increment(ref _unauthenticated);
        if (!authenticator.MayFail(caller.Connection))
        {
            caller.Connection.CloseSoon();
            audit.OmitRefusal();
            return AdminErrors.TooManyFailures(caller.Connection.RemoteAddress);
        }

        return Audited(caller, new Status(StatusCode.Unauthenticated, failure), isUnknown: true);
    }

    private Status Deny(AdminCaller caller, MethodAuthorization required)
    {
        Interlocked.Increment(ref _denied);
        return Audited(caller, new Status(StatusCode.PermissionDenied, caller.DenialReason(required.Role)), isUnknown: false);
    }

    private Status Audited(AdminCaller caller, Status status, bool isUnknown)
    {
        audit.RecordRefusal(AuditEntry.Of(caller, "", null, status.StatusCode.ToWireName(), status.Detail), ofUnknown: isUnknown);
        return status;
    }

    private static Task AnswerCall(HttpResponse response, Status status)
    {
        response.ContentType = GrpcContentType;
        response.Headers["grpc-status"] = $"{(int)status.StatusCode}";
        response.Headers["grpc-message"] = Uri.EscapeDataString(status.Detail);
        return Task.CompletedTask;
    }

    private static Task AnswerRequestAsync(HttpResponse response, Status status)
    {
        response.StatusCode = status.StatusCode switch
        {
            StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
            StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
            _ => StatusCodes.Status429TooManyRequests,
        };
        if (status.StatusCode == StatusCode.Unauthenticated)
        {
            response.Headers.WWWAuthenticate = "Bearer";
        }

        response.ContentType = "text/plain; charset=utf-8";
        return response.WriteAsync($"{status.Detail}\n");
    }
}
