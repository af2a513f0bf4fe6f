using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Rendezvous;

/// <summary>Meeting points, and what came of them.</summary>
internal sealed class RendezvousStatistics(RendezvousStore store) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.rendezvous.rows", Rows, description: "Meeting points stored, by kind; expired ones count until they are removed.");
        meter.CreateObservableCounter("relay.rendezvous.matches", () => store.Counts().MatchesFound, description: "Live matches found.");
        meter.CreateObservableCounter("relay.rendezvous.drops_delivered", () => store.Counts().DropsDelivered, description: "Dead drops delivered.");
    }

    public void Fill(Stats stats)
    {
        var counts = store.Counts();
        stats.Rendezvous = new RendezvousStats
        {
            DailyPoints = counts.DailyPoints,
            HourlyTokens = counts.HourlyTokens,
            MatchesTotal = counts.MatchesFound,
            DropsDeliveredTotal = counts.DropsDelivered,
        };
    }

    private IEnumerable<Measurement<long>> Rows()
    {
        var counts = store.Counts();
        return Series.Of("kind", ("daily_point", counts.DailyPoints), ("hourly_token", counts.HourlyTokens));
    }
}
