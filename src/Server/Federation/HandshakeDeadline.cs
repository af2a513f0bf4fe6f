using Relay.Protocol;
using Relay.Telemetry;

namespace Relay.Federation;

/// <summary>One timer that closes sockets which have not proven themselves in time. There are never more than a few.</summary>
internal sealed class HandshakeDeadline(PeerTable peers, FederationOptions options, RelayMetrics metrics, TimeProvider time)
    : IHostedService, IDisposable
{
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(500);

    private ITimer? _timer;

    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.IsOn)
        {
            _timer = time.CreateTimer(_ => Sweep(), null, Tick, Tick);
        }

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
        foreach (var link in peers.Pending())
        {
            if (link.Session is { IsClosing: false } session && time.GetElapsedTime(link.EnteredAt) >= options.HandshakeTimeout)
            {
                session.Close(CloseReason.HandshakeTimeout);
                metrics.PeerRefused(CloseReason.HandshakeTimeout);
            }
        }
    }
}
