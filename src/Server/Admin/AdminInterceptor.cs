using Grpc.Core;
using Grpc.Core.Interceptors;

namespace Relay.Admin;

/// <summary>A caller that hangs up in the middle of a stream is no defect of ours: CANCELLED, not an error in the log.</summary>
internal sealed class AdminInterceptor : Interceptor
{
    public override async Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
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
        try
        {
            await continuation(requestStream, responseStream, context);
        }
        catch (Exception exception) when (IsHangUp(exception))
        {
            throw Cancelled();
        }
    }

    // The reset stream may throw before the call's token says so: the kind of exception is what counts.
    private static bool IsHangUp(Exception exception) => exception is IOException or OperationCanceledException;

    private static RpcException Cancelled() => new(new Status(StatusCode.Cancelled, "the caller hung up"));
}
