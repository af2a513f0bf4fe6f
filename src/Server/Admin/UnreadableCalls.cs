using System.Globalization;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using Relay.AdminAuth;
using Relay.AuditLog;

namespace Relay.Admin;

/// <summary>
/// Calls whose message cannot be read end before any interceptor sees them. A caller whose message is no message of the
/// method gets an error, and one that tried to change something leaves an entry.
/// </summary>
internal sealed class UnreadableCalls(AuditRecorder audit)
{
    private const string GrpcStatus = "grpc-status";
    private const string GrpcMessage = "grpc-message";

    public async Task HandleAsync(HttpContext context, RequestDelegate next)
    {
        await next(context);
        var caller = context.Features.GetRequiredFeature<AdminCaller>();
        var endpoint = context.GetEndpoint()?.Metadata;
        if (caller.IsRead || endpoint?.GetMetadata<GrpcMethodMetadata>() is null)
        {
            return;
        }

        var status = Answer(context.Response, caller);
        if (endpoint.GetMetadata<MethodAuthorization>() is { IsMutating: true })
        {
            audit.RecordRefusal(AuditEntry.Of(caller, "", null, status.StatusCode.ToWireName(), status.Detail), ofUnknown: false);
        }
    }

    // The framework answers a message that it cannot parse as if the handler had failed.
    private static Status Answer(HttpResponse response, AdminCaller caller)
    {
        var code = int.TryParse(response.Headers[GrpcStatus], CultureInfo.InvariantCulture, out var number) ? (StatusCode)number : StatusCode.Cancelled;
        if (code is not (StatusCode.Unknown or StatusCode.Internal))
        {
            return new Status(code, Uri.UnescapeDataString(response.Headers[GrpcMessage].ToString()));
        }

        var status = new Status(StatusCode.InvalidArgument, $"The body is no message of {caller.Method}; call it with a client made from the relay's .proto files.");
        if (!response.HasStarted)
        {
            response.Headers[GrpcStatus] = ((int)status.StatusCode).ToString(CultureInfo.InvariantCulture);
            response.Headers[GrpcMessage] = Uri.EscapeDataString(status.Detail);
            response.Headers[AdminErrors.RequestId] = caller.RequestId;
        }

        return status;
    }
}
