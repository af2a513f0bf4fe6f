using Grpc.Core;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

/// <summary>Memory suffices for fewer clients than the total limit allows.</summary>
public sealed class CeilingTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Memory_HasRoomForTwo_TheThirdIsToldAndOperatorsSeeWhy()
    {
        await using var server = await RelayServer.StartAsync();
        server.Get<ConnectionLedger>().SetCeiling(byMemory: 2);
        await using var first = await TestClient.ConnectAsync(server);
        await using (await TestClient.ConnectAsync(server))
        {
            using var third = await RawClient.UpgradeAsync(server);
            Assert.Equal((1013, "Server at capacity"), await third.ReadCloseAsync());
        }

        var stats = await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal((2, "memory", 2), (stats.Capacity.EffectiveTotal, stats.Capacity.Cause, stats.Capacity.ByMemory));
        Assert.Equal(1, stats.Refused.ByReason["ceiling"]);
        var policy = await new PolicyAdmin(server.Channel).GetAsync();
        Assert.Equal((2, "memory"), (policy.Ceiling, policy.CeilingCause));
        await Eventually.TrueAsync(() => server.Get<ConnectionLedger>().Totals().Live == 1, "a place is free");
        await using var next = await TestClient.ConnectAsync(server);
    }
}
