using Google.Rpc;
using Grpc.Core;

namespace Relay.AdminCli;

/// <summary>Why a command did not do what it should: a sentence or two for the operator, a code for the script.</summary>
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

        return new Failure(ExitCodes.Refused, Refusal(status, exception) + RequestIdOf(exception));
    }

    /// <summary>It took the connection and then said nothing.</summary>
    public static Failure Silent(ServerAddress address, TimeSpan silence) => new(
        ExitCodes.Unreachable,
        $"The relay at {address} did not answer within {silence.TotalSeconds:0.#} s. It may be overloaded or hang; --timeout waits longer.\n"
        + "Whether it acted on the call is not known.");

    public static Failure NotARelay(ServerAddress address) => new(
        ExitCodes.Unreachable,
        $"Cannot reach the relay at {address}: something else answers there, it does not speak gRPC. Name the relay's admin address, not the public one.");

    private static string Refusal(Grpc.Core.Status status, RpcException exception)
    {
        var detail = Printable.Clean(status.Detail) is { Length: > 0 } text ? text : "it gave no reason";
        return status.StatusCode switch
        {
            // The details say more than the message, which may well repeat them.
            StatusCode.InvalidArgument when Violations(exception) is { Length: > 0 } fields => string.Join('\n', ["The relay refused the request:", .. fields]),
            StatusCode.InvalidArgument => $"The relay refused the request: {detail}",
            StatusCode.Aborted => $"{detail}\nRun `relayctl limits`, decide anew, and try again with the revision it shows.",
            StatusCode.Unauthenticated => $"{detail}\nGive --token-file FILE or RELAY_TOKEN, or --cert FILE and --key FILE.",
            StatusCode.PermissionDenied => detail,
            StatusCode.Unimplemented => $"The relay does not know this call; it may be older than this relayctl: {detail}",
            StatusCode.FailedPrecondition or StatusCode.NotFound => $"The relay refused: {detail}",
            StatusCode.Unavailable => $"The relay is not available: {detail}\nTry again when it runs.",
            var code => $"The relay refused ({code}): {detail}",
        };
    }

    // The relay's audit has it as well, with who and when. A relay that stops has refused nothing.
    private static string RequestIdOf(RpcException exception) =>
        exception.StatusCode != StatusCode.Unavailable && exception.Trailers.GetValue("request-id") is { Length: > 0 } id ? $"\n(request {Printable.Clean(id)})" : "";

    private static string[] Violations(RpcException exception) =>
        exception.GetRpcStatus()?.GetDetail<BadRequest>()?.FieldViolations
            .Select(violation => $"  {Printable.Clean(violation.Field)}: {Printable.Clean(violation.Description)}").ToArray() ?? [];
}
