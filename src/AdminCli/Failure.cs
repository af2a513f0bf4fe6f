using Google.Rpc;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>Why a command failed: a sentence or two for the operator, an exit code for the script.</summary>
internal sealed record Failure(int ExitCode, string Message)
{
    public static Failure Of(RpcException exception, ServerAddress address, TimeSpan timeout)
    {
        var status = exception.Status;
        if (status.StatusCode == StatusCode.DeadlineExceeded)
        {
            return Silent(address, timeout);
        }

        // gRPC for .NET keeps the cause beside a status that it made up itself; one that the relay sent has none.
        if (status.DebugException is { } cause)
        {
            return new Failure(ExitCodes.Unreachable, ConnectFailure.Describe(cause, address));
        }

        if (status.Detail.StartsWith("Bad gRPC response", StringComparison.Ordinal))
        {
            return NotARelay(address);
        }

        return new Failure(ExitCodes.Rejected, Rejection(status, exception) + RequestIdOf(exception));
    }

    /// <summary>It took the connection and then said nothing.</summary>
    public static Failure Silent(ServerAddress address, TimeSpan silence) => new(
        ExitCodes.Unreachable,
        $"The relay at {address} did not answer within {silence.TotalSeconds:0.#} s. It may be overloaded; --timeout waits longer.\n"
        + "Whether the call took effect is not known.");

    public static Failure NotARelay(ServerAddress address) => new(
        ExitCodes.Unreachable,
        $"Cannot reach the relay at {address}: the server there does not speak gRPC. Give the admin address, not the public one.");

    private static string Rejection(Grpc.Core.Status status, RpcException exception)
    {
        var detail = Printable.Clean(status.Detail) is { Length: > 0 } text ? text : "no reason given";
        return status.StatusCode switch
        {
            // The details say more than the message, which may well repeat them.
            StatusCode.InvalidArgument when Violations(exception) is { Length: > 0 } fields => string.Join('\n', ["Request rejected:", .. fields]),
            StatusCode.InvalidArgument => $"Request rejected: {detail}",
            StatusCode.Aborted => $"{detail}\nRun `relayctl limits` and try again with the revision that it shows.",
            StatusCode.Unauthenticated => $"{detail}\nGive --token-file FILE or RELAY_TOKEN, or --cert FILE and --key FILE.",
            StatusCode.PermissionDenied => detail,
            StatusCode.Unimplemented => $"Not supported by this relayd, which may be older than relayctl: {detail}",
            StatusCode.FailedPrecondition or StatusCode.NotFound => $"Request rejected: {detail}",
            StatusCode.Unavailable => $"The relay is unavailable: {detail}\nTry again later.",
            var code => $"Request rejected ({code}): {detail}",
        };
    }

    // The audit log has it as well, with who and when. A relay that stops has rejected nothing.
    private static string RequestIdOf(RpcException exception) =>
        exception.StatusCode != StatusCode.Unavailable && exception.Trailers.GetValue("request-id") is { Length: > 0 } id ? $"\n(request {Printable.Clean(id)})" : "";

    private static string[] Violations(RpcException exception) =>
        exception.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations
            .Select(violation => $"  {Printable.Clean(violation.Field)}: {Printable.Clean(violation.Description)}").ToArray() ?? [];
}
