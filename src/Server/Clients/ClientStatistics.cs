using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Clients;

/// <summary>Registered clients.</summary>
internal sealed class ClientStatistics(ClientDirectory clients) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.pairing.codes", () => clients.Counts().Codes, description: "Pairing codes registered.");
        meter.CreateObservableCounter("relay.pairing.registrations", () => clients.Counts().CodeRegistrations, description: "Registrations of a pairing code.");
        meter.CreateObservableCounter("relay.pairing.collisions", () => clients.Counts().Collisions, description: "Registrations of a pairing code that another connection held.");
    }

    public void Fill(Stats stats)
    {
        var totals = clients.Counts();
        stats.Connections.Signaling = totals.Codes;
        stats.Connections.Relay = totals.PeerIds;
        stats.Pairing.ActiveCodes = totals.Codes;
        stats.Pairing.PeakActiveCodes = totals.PeakCodes;
        stats.Pairing.RegistrationsTotal = totals.CodeRegistrations;
        stats.Pairing.CollisionsTotal = totals.Collisions;
        stats.Pairing.CollisionRisk = totals.CollisionRisk;
    }
}
