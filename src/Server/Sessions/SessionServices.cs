using Microsoft.Extensions.ObjectPool;
using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>What every session shares.</summary>
internal sealed partial class SessionServices(
    ClientSessionOptions options, SessionTable table, RelayMetrics metrics, TimeProvider time, ILogger<Session> logger)
{
    public ClientSessionOptions Options => options;

    public SessionTable Table => table;

    public RelayMetrics Metrics => metrics;

    public TimeProvider Time => time;

    /// <summary>For sessions that something waits to be sent to.</summary>
    public ObjectPool<OutboundQueue> Queues { get; } = ObjectPool.Create<OutboundQueue>();

    /// <summary>A session that ended by an exception of ours.</summary>
    public void LogFailure(Exception exception, long id) => Log.Failed(logger, exception, id);

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Error, "Session {Id} ended by a bug in relayd")]
        public static partial void Failed(ILogger logger, Exception exception, long id);
    }
}
