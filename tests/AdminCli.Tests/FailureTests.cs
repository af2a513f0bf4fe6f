using Google.Protobuf.WellKnownTypes;
using Google.Rpc;
using Grpc.Core;
using Relay.AdminCli;
using RpcStatus = Grpc.Core.Status;

namespace AdminCli.Tests;

/// <summary>Statuses that the relay sends, in the operator's words.</summary>
public sealed class FailureTests
{
    private static readonly ServerAddress Address = ServerAddress.OfSocket("/run/relay/admin.sock");

    [Theory]
    [InlineData(StatusCode.Unavailable, "stopping now", "The relay is not available: stopping now\nTry again when it runs.")]
    [InlineData(StatusCode.Unimplemented, "no such method", "The relay does not know this call; it may be older than this relayctl: no such method")]
    [InlineData(StatusCode.NotFound, "", "The relay refused: it gave no reason")]
    [InlineData(StatusCode.PermissionDenied, "not you", "not you")]
    [InlineData(StatusCode.Unauthenticated, "no token", "no token\nGive --token-file FILE or RELAY_TOKEN, or --cert FILE and --key FILE.")]
    [InlineData(StatusCode.Internal, "oops\n\e[2Jmore", "The relay refused (Internal): oops[2Jmore")]
    [InlineData(StatusCode.Aborted, "revision is 5", "revision is 5\nRun `relayctl limits`, decide anew, and try again with the revision it shows.")]
    [InlineData(StatusCode.InvalidArgument, "bad", "The relay refused the request: bad")]
    public void Of_StatusThatTheRelaySent_IsARefusal(StatusCode code, string detail, string message)
    {
        var failure = Failure.Of(new RpcException(new RpcStatus(code, detail)), Address, TimeSpan.FromSeconds(5));
        Assert.Equal(new Failure(ExitCodes.Refused, message), failure);
    }

    [Fact]
    public void Of_StatusWithARequestId_EndsWithIt()
    {
        var trailers = new Metadata { { "request-id", "90c1f1e83b0a27d4" } };
        var failure = Failure.Of(new RpcException(new RpcStatus(StatusCode.NotFound, "no such token"), trailers), Address, TimeSpan.FromSeconds(5));
        Assert.Equal("The relay refused: no such token\n(request 90c1f1e83b0a27d4)", failure.Message);
    }

    [Fact]
    public void Of_FieldViolations_AreOneALine()
    {
        var rich = new Google.Rpc.Status
        {
            Code = (int)Code.InvalidArgument,
            Message = "2 fields are wrong",
            Details =
            {
                Any.Pack(new BadRequest
                {
                    FieldViolations =
                    {
                        new BadRequest.Types.FieldViolation { Field = "total", Description = "must be between 1 and 1,000,000" },
                        new BadRequest.Types.FieldViolation { Field = "rea\eson", Description = "must have 256 characters\nat most" },
                    },
                }),
            },
        };
        var failure = Failure.Of(rich.ToRpcException(), Address, TimeSpan.FromSeconds(5));
        Assert.Equal(ExitCodes.Refused, failure.ExitCode);
        Assert.Equal("The relay refused the request:\n  total: must be between 1 and 1,000,000\n  reason: must have 256 charactersat most", failure.Message);
    }

    [Fact]
    public void Of_Deadline_IsUnreachable() =>
        Assert.Equal(ExitCodes.Unreachable, Failure.Of(new RpcException(new RpcStatus(StatusCode.DeadlineExceeded, "")), Address, TimeSpan.FromSeconds(5)).ExitCode);

    [Fact]
    public void Of_ResponseThatIsNotGrpc_IsUnreachable()
    {
        var failure = Failure.Of(new RpcException(new RpcStatus(StatusCode.Unimplemented, "Bad gRPC response. HTTP status code: 404")), Address, TimeSpan.FromSeconds(5));
        Assert.Equal(ExitCodes.Unreachable, failure.ExitCode);
        Assert.Contains("something else answers there", failure.Message);
    }
}
