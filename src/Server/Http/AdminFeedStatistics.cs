using System.Diagnostics.Metrics;
using Relay.Telemetry;

namespace Relay.Http;

/// <summary>Admin pages that watch, and those that were not let in.</summary>
internal sealed class AdminFeedStatistics : IStatistics
{
    public const string Unauthorized = "unauthorized";
    public const string Limit = "limit";

    // Atomic.
    private int _open;
    private long _unauthorized;
    private long _limit;

    public int Open
    {
        set => Volatile.Write(ref _open, value);
    }

    public void Rejected(string reason) => Interlocked.Increment(ref reason == Limit ? ref _limit : ref _unauthorized);

    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.admin.feed.connections", () => Volatile.Read(ref _open), description: "Admin pages that watch by /admin/ws.");
        meter.CreateObservableCounter(
            "relay.admin.feed.rejected",
            () => Series.Of("reason", (Unauthorized, Interlocked.Read(ref _unauthorized)), (Limit, Interlocked.Read(ref _limit))),
            description: "Upgrades to /admin/ws that were rejected, by reason.");
    }
}
