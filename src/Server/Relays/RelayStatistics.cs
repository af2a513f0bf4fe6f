using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Relays;

/// <summary>Clients that offer themselves as relays.</summary>
internal sealed class RelayStatistics(RelayRegistry relays) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.relays", () => relays.Figures().Relays, description: "Clients registered as relays.");
        meter.CreateObservableGauge("relay.relays.offered", () => relays.Figures().Offered, description: "Relays with free capacity, which are offered to clients.");
    }

    public void Fill(Stats stats)
    {
        var figures = relays.Figures();
        stats.Relays = new RelayStats { Registered = figures.Relays, Offered = figures.Offered };
    }
}
