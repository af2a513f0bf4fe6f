using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Policy;

/// <summary>The limits in effect.</summary>
internal sealed class PolicyStatistics(LimitPolicyStore policies) : IStatistics
{
    public void AddInstruments(Meter meter)
    {
        meter.CreateObservableGauge(
            "relay.limit.connections",
            () => Series.Of("scope", ("total", policies.Current.Total), ("per_ip", policies.Current.PerIp)),
            description: "Limits on client connections, by scope.");
        meter.CreateObservableGauge("relay.limit.revision", () => policies.Current.Revision, description: "Revision of the policy in effect.");
        meter.CreateObservableGauge("relay.limit.overrides", () => policies.Current.OverrideCount, description: "Overrides of the limits in effect.");
    }

    public void Fill(Stats stats)
    {
        var policy = policies.Current;
        stats.Limits = new Limits
        {
            Total = policy.Total,
            PerIp = policy.PerIp,
            Ipv6Prefix = policy.Ipv6Prefix,
            Revision = policy.Revision,
        };
    }
}
