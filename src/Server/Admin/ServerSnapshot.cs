using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Configuration;
using Relay.Identity;
using Relay.Telemetry;

namespace Relay.Admin;

/// <summary>The status that operators read over gRPC and /stats: each folder fills its part.</summary>
internal sealed class ServerSnapshot(IEnumerable<IStatistics> parts, ServerIdentity identity, TimeProvider time)
{
    private readonly IStatistics[] _parts = [.. parts];
    private readonly long _started = time.GetTimestamp();

    public TimeSpan Uptime => time.GetElapsedTime(_started);

    public Stats Read()
    {
        var stats = new Stats
        {
            Time = Timestamp.FromDateTimeOffset(time.GetUtcNow()),
            ServerId = identity.ServerId,
            Version = ServerCommand.Version,
            Uptime = Duration.FromTimeSpan(Uptime),

            // More than one folder fills these.
            Connections = new Connections(),
            Pairing = new Pairing(),
            ClientAddress = new ClientAddressStats(),
        };
        foreach (var part in _parts)
        {
            part.Fill(stats);
        }

        return stats;
    }
}
