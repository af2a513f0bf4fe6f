using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Addresses;

/// <summary>How the addresses of clients are found.</summary>
internal sealed class ClientAddressStatistics(ProxyMisconfiguration misconfiguration) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableCounter("relay.upgrades", () => misconfiguration.BySource().Labelled("source"), description: "WebSocket upgrades, by how the client's address was found.");
        meter.CreateObservableGauge(
            "relay.client_address.warning",
            () => ProxyMisconfiguration.Names(misconfiguration.Current).Select(name => KeyValuePair.Create(name.Name, name.IsOn ? 1L : 0L)).Labelled("kind"),
            description: "Whether client addresses are probably resolved wrongly (1) or not (0), by kind of misconfiguration.");
    }

    public void Fill(Stats stats)
    {
        stats.ClientAddress.Warnings.Add(ProxyMisconfiguration.Names(misconfiguration.Current).Where(name => name.IsOn).Select(name => name.Name));
        stats.ClientAddress.UpgradesTotal.Add(misconfiguration.BySource().ToDictionary());
    }
}
