using System.Diagnostics.Metrics;
using Relay.Telemetry;

namespace Relay.ClientAuth;

/// <summary>How clients are authenticated. Who was rejected is among the rejections, by reason.</summary>
internal sealed class ClientAuthStatistics(KeyFile file, PublishedKeys published, AuthHook hook) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge("relay.auth.keys", () => Math.Max(file.Current.Count, published.Current.Count), description: "Keys that clients' tokens may be signed with.");
        meter.CreateObservableCounter(
            "relay.auth.key_fetches",
            () => Series.Of("outcome", ("fetched", published.Fetched), ("failed", published.Failed)),
            description: "Fetches of the keys at Clients:Auth:JwksUrl.");
        meter.CreateObservableCounter(
            "relay.auth.hook_calls",
            () => Series.Of("outcome", ("admitted", hook.Count(HookOutcome.Admitted)), ("rejected", hook.Count(HookOutcome.Rejected)), ("failed", hook.Count(HookOutcome.Failed))),
            description: "Questions to the hook at Clients:Auth:HookUrl.");
        meter.CreateObservableGauge("relay.auth.hook_waiting", () => hook.Waiting, description: "Clients that wait for the answer of the hook.");
    }
}
