using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Relays;

/// <summary>Clients that offer themselves as relays.</summary>
internal sealed class RelayStatistics(RelayRegistry relays) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.relays", () => relays.Counts().Relays, description: "Clients registered as relays.");
        meter.CreateObservableGauge("relay.relays.offered", () => relays.Counts().Offered, description: "Relays with free capacity, which are offered to clients.");
        meter.CreateObservableGauge("relay.relays.remote", () => relays.Remote, description: "Relays of other nodes of the cluster that are offered to clients.");
    }

    public void Fill(Stats stats)
    {
        var counts = relays.Counts();
        stats.Relays = new RelayStats { Registered = counts.Relays, Offered = counts.Offered };
    }
}
