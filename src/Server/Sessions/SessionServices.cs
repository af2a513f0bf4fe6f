using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>What every session shares.</summary>
internal sealed class SessionServices(ClientSessionOptions options, RelayMetrics metrics, TimeProvider time, ILogger<Session> logger)
{
    public ClientSessionOptions Options => options;

    public RelayMetrics Metrics => metrics;

    public TimeProvider Time => time;

    public ILogger<Session> Logger => logger;
}
