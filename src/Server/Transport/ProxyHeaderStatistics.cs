using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Transport;

/// <summary>What became of PROXY protocol headers.</summary>
internal sealed class ProxyHeaderStatistics(ProxyHeaderGate headers) : IStatistics
{
    public void AddInstruments(Meter meter) =>
        meter.CreateObservableCounter("relay.proxy_headers", () => headers.Counts().Labelled("outcome"), description: "PROXY protocol headers read, by outcome.");

    public void Fill(Stats stats) => stats.ClientAddress.ProxyHeadersTotal.Add(headers.Counts().NonZero());
}
