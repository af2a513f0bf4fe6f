namespace Relay.Signaling;

/// <summary>The one timer that warns of requests to pair and expires them, and those to link.</summary>
internal sealed class RequestDeadline(PendingRequests pending, PairingHandler pairing, TimeProvider time)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(250);

    private ITimer? _timer;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    private void Sweep()
    {
        while (pending.TakeExpiring() is { } request)
        {
            pairing.Warn(request);
        }

        while (pending.TakeExpired() is { } request)
        {
            if (request.Kind == RequestKind.Pair)
            {
                PairingHandler.Expire(request);
            }
            else
            {
                LinkHandler.Expire(request);
            }
        }
    }
}
