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
        meter.CreateObservableCounter("relay.rendezvous.matches", () => store.Figures().MatchesFound, description: "Live matches found.");
        meter.CreateObservableCounter("relay.rendezvous.drops_delivered", () => store.Figures().DropsDelivered, description: "Dead drops delivered.");
    }

    public void Fill(Stats stats)
    {
        var figures = store.Figures();
        stats.Rendezvous = new RendezvousStats
        {
            DailyPoints = figures.DailyPoints,
            HourlyTokens = figures.HourlyTokens,
            MatchesTotal = figures.MatchesFound,
            DropsDeliveredTotal = figures.DropsDelivered,
        };
    }

    private IEnumerable<Measurement<long>> Rows()
    {
        var figures = store.Figures();
        return Series.Of("kind", ("daily_point", figures.DailyPoints), ("hourly_token", figures.HourlyTokens));
    }
}
