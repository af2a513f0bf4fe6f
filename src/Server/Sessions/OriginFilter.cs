using System.Diagnostics.Metrics;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Sessions;

/// <summary>Which web pages' clients are served. A browser says where the page that opens a WebSocket comes from, and nothing but a browser has to: who sends no Origin is let in.</summary>
/// <param name="allowed">The origins, read anew for each request; empty: all.</param>
internal sealed class OriginFilter(Func<string[]> allowed) : IStatistics
{
    private static readonly HttpAnswer Forbidden = new(403, "Origin not allowed");

    // Atomic.
    private long _rejected;

    public long Rejected => Interlocked.Read(ref _rejected);

    /// <summary>The answer to a request from a page that is not allowed; null: it is.</summary>
    public HttpAnswer? Check(UpgradeRequest request)
    {
        var origins = allowed();
        if (origins.Length == 0 || request.Header("Origin").ToString() is not { Length: > 0 } origin || origins.Contains(origin, StringComparer.Ordinal))
        {
            return null;
        }

        Interlocked.Increment(ref _rejected);
        return Forbidden;
    }

    public void AddInstruments(Meter meter) => meter.CreateObservableCounter(
        "relay.origins.rejected", () => Rejected, description: "Upgrades rejected because of the page's origin.");
}
