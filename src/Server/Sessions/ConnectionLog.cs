using System.Net;
using Relay.Addresses;
using Relay.Protocol;
using Relay.Telemetry;

namespace Relay.Sessions;

/// <summary>One entry when a client's connection opens and one when it has closed, where the operator wants them. The log bounds their rate.</summary>
internal sealed partial class ConnectionLog(LogOptions options, TimeProvider time, ILogger<ConnectionLog> logger)
{
    public void Opened(Session session)
    {
        if (options.Connections)
        {
            Log.Opened(logger, session.Id, session.Address, session.LocalEndPoint);
        }
    }

    public void Closed(Session session)
    {
        if (options.Connections)
        {
            Log.Closed(
                logger,
                session.Id,
                session.Address,
                session.LocalEndPoint,
                CloseReasons.Of(session.CloseReason).Label,
                Math.Round(time.GetElapsedTime(session.ConnectedAt).TotalSeconds, 3),
                session.BytesReceived,
                Volatile.Read(ref session.BytesSent));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Information, "Connection {Id} opened: {Address} on {Listener}")]
        public static partial void Opened(ILogger logger, long id, IpKey address, EndPoint? listener);

        [LoggerMessage(2, LogLevel.Information, "Connection {Id} closed: {Address} on {Listener}, {Reason} after {Seconds} s, {BytesReceived} bytes received, {BytesSent} sent")]
        public static partial void Closed(ILogger logger, long id, IpKey address, EndPoint? listener, string reason, double seconds, long bytesReceived, long bytesSent);
    }
}
