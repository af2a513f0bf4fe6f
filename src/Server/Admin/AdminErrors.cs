using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;

namespace Relay.Admin;

/// <summary>Refusals of admin calls, with the details that google.rpc defines for them.</summary>
internal static class AdminErrors
{
    /// <summary>The trailer, or header, that identifies the request.</summary>
    public const string RequestId = "request-id";

    /// <summary>INVALID_ARGUMENT that names each field and what is wrong with it.</summary>
    public static RpcException Invalid(params IEnumerable<(string Field, string Text)> violations)
    {
        var request = new BadRequest();
        request.FieldViolations.AddRange(violations.Select(violation => new BadRequest.Types.FieldViolation
        {
            Field = violation.Field,
            Description = violation.Text,
        }));
        return new Google.Rpc.Status
        {
            Code = (int)Code.InvalidArgument,
            Message = string.Join("; ", request.FieldViolations.Select(violation => $"{violation.Field}: {violation.Description}")),
            Details = { Any.Pack(request) },
        }.ToRpcException();
    }

    public static RpcException Stale(long expected, long current) => new(new Grpc.Core.Status(
        StatusCode.Aborted, $"Revision conflict: expected {expected}, current is {current}."));

    public static RpcException NotWritten(string text) => new(new Grpc.Core.Status(StatusCode.Unavailable, text));

    public static RpcException NoLongerValid() => new(new Grpc.Core.Status(
        StatusCode.Unauthenticated, "the token or certificate was revoked, or has expired, since the call began"));

    public static Grpc.Core.Status TooManyFailures(System.Net.IPAddress? address) => new(
        StatusCode.ResourceExhausted, $"too many calls from {address} with a wrong token or certificate, or none; correct it and try again in a minute");

    public static RpcException NoAudit() => new(new Grpc.Core.Status(
        StatusCode.FailedPrecondition, "the relay keeps no audit file; Audit:File is empty"));

    public static RpcException NotRemembered(long revision) => NotFound(
        $"revision {revision} is not remembered; relayctl limits history shows those that are");

    public static RpcException NotFound(string text) => new(new Grpc.Core.Status(StatusCode.NotFound, text));

    public static RpcException Precondition(string text) => new(new Grpc.Core.Status(StatusCode.FailedPrecondition, text));

    public static RpcException Stopping() => new(new Grpc.Core.Status(StatusCode.Unavailable, "the relay is stopping"));

    /// <summary>PermissionDenied: PERMISSION_DENIED, as gRPC itself spells it.</summary>
    public static string ToWireName(this StatusCode code) =>
        string.Concat(code.ToString().Select((c, i) => i > 0 && char.IsUpper(c) ? $"_{c}" : $"{c}")).ToUpperInvariant();
}
