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
    [InlineData(StatusCode.Unavailable, "stopping now", "The relay is unavailable: stopping now\nTry again later.")]
    [InlineData(StatusCode.Unimplemented, "no such method", "Not supported by this relayd, which may be older than relayctl: no such method")]
    [InlineData(StatusCode.NotFound, "", "Request rejected: no reason given")]
    [InlineData(StatusCode.PermissionDenied, "not you", "not you")]
    [InlineData(StatusCode.Unauthenticated, "no token", "no token\nGive --token-file FILE or RELAY_TOKEN, or --cert FILE and --key FILE.")]
    [InlineData(StatusCode.Internal, "oops\n\e[2Jmore", "Request rejected (Internal): oops[2Jmore")]
    [InlineData(StatusCode.Aborted, "Revision conflict: expected 1, current is 104.", "Revision conflict: expected 1, current is 104.\nRun `relayctl limits` and try again with the revision that it shows.")]
    [InlineData(StatusCode.InvalidArgument, "bad", "Request rejected: bad")]
    public void Of_StatusThatTheRelaySent_IsARejection(StatusCode code, string detail, string message)
    {
        var failure = Failure.Of(new RpcException(new RpcStatus(code, detail)), Address, TimeSpan.FromSeconds(5));
        Assert.Equal(new Failure(ExitCodes.Rejected, message), failure);
    }

    [Fact]
    public void Of_StatusWithARequestId_EndsWithIt()
    {
        var trailers = new Metadata { { "request-id", "90c1f1e83b0a27d4" } };
        var failure = Failure.Of(new RpcException(new RpcStatus(StatusCode.NotFound, "no such token"), trailers), Address, TimeSpan.FromSeconds(5));
        Assert.Equal("Request rejected: no such token\n(request 90c1f1e83b0a27d4)", failure.Message);
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
        Assert.Equal(ExitCodes.Rejected, failure.ExitCode);
        Assert.Equal("Request rejected:\n  total: must be between 1 and 1,000,000\n  reason: must have 256 charactersat most", failure.Message);
    }

    [Fact]
    public void Of_Deadline_IsUnreachable() =>
        Assert.Equal(ExitCodes.Unreachable, Failure.Of(new RpcException(new RpcStatus(StatusCode.DeadlineExceeded, "")), Address, TimeSpan.FromSeconds(5)).ExitCode);

    [Fact]
    public void Of_ResponseThatIsNotGrpc_IsUnreachable()
    {
        var failure = Failure.Of(new RpcException(new RpcStatus(StatusCode.Unimplemented, "Bad gRPC response. HTTP status code: 404")), Address, TimeSpan.FromSeconds(5));
        Assert.Equal(ExitCodes.Unreachable, failure.ExitCode);
        Assert.Contains("the server there does not speak gRPC", failure.Message);
    }
}
