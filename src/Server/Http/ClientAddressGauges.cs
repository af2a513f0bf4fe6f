using System.Diagnostics.Metrics;
using Relay.Addresses;
using Relay.Telemetry;
using Relay.Transport.Kestrel;

namespace Relay.Http;

/// <summary>How clients' addresses are found, on the one meter.</summary>
internal static class ClientAddressGauges
{
    public static void Add(IServiceProvider services)
    {
        var meter = services.GetRequiredService<RelayMetrics>().Meter;
        var warning = services.GetRequiredService<ProxyMisconfiguration>();
        var headers = services.GetRequiredService<ProxyHeaderReader>();
        meter.CreateObservableCounter("relay.upgrades", () => Labelled("source", warning.BySource()), description: "Upgrades to a client socket, by how the client's address was found.");
        meter.CreateObservableCounter("relay.proxy_headers", () => Labelled("outcome", headers.Counts()), description: "Connections on listeners in PROXY mode, by what became of the header.");
        meter.CreateObservableGauge(
            "relay.client_address.warning",
            () => Labelled("kind", ProxyMisconfiguration.Names(warning.Current).Select(name => KeyValuePair.Create(name.Name, name.IsOn ? 1L : 0L))),
            description: "1 while client addresses are probably resolved wrongly, by kind of misconfiguration.");
    }

    private static IEnumerable<Measurement<long>> Labelled(string label, IEnumerable<KeyValuePair<string, long>> counts) =>
        counts.Select(count => new Measurement<long>(count.Value, new KeyValuePair<string, object?>(label, count.Key)));
}
