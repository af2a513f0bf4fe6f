using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;
using Relay.Policy;

namespace Relay.EndToEnd.Cluster;

/// <summary>What an operator changes at one relay of a cluster.</summary>
public sealed class PolicyAcrossRelaysTests
{
    [Fact]
    public async Task SetLimit_AtOneRelay_IsAnnouncedToTheOther()
    {
        // No second ever passes, in which the other one would look by itself.
        await using var cluster = await RelayCluster.StartAsync(relays: 0);
        var here = await cluster.AddAsync("here", time: new FakeTimeProvider(DateTimeOffset.UtcNow));
        var there = await cluster.AddAsync("there", time: new FakeTimeProvider(DateTimeOffset.UtcNow.AddSeconds(1)));

        var changed = await new PolicyAdmin(here.Channel).SetPerIpAsync(7);

        await Eventually.TrueAsync(() => there.Get<LimitPolicyStore>().Current is { PerIp: 7 } policy && policy.Revision == changed.Revision, "the other relay has it");
    }
}
