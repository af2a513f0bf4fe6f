using Grpc.Core;

namespace Relay.Admin;

/// <summary>
/// Calls whose answers go on until the caller hangs up or the relay stops, which ends them with <c>UNAVAILABLE</c>. An answer that is
/// being sent when the relay stops has a second left: a write that is cancelled resets the stream, and its caller would not be told why.
/// </summary>
internal sealed class StreamingCalls(IHostApplicationLifetime lifetime, TimeProvider time)
{
    private static readonly TimeSpan LastWrite = TimeSpan.FromSeconds(1);

    /// <summary><paramref name="answer"/> waits for what it sends next with the first token, and sends with the second.</summary>
    public async Task RunAsync(ServerCallContext context, Func<CancellationToken, CancellationToken, Task> answer)
    {
        using var waits = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, lifetime.ApplicationStopping);
        using var writes = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        await using var late = time.CreateTimer(_ => writes.Cancel(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        using var stopping = lifetime.ApplicationStopping.Register(() => late.Change(LastWrite, Timeout.InfiniteTimeSpan));
        try
        {
            await answer(waits.Token, writes.Token);
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw AdminErrors.Stopping();
        }
        catch (OperationCanceledException)
        {
            // The caller hung up.
        }
    }
}
