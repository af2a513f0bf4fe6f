using Relay.Clients;

namespace Server.Tests.Presence;

public sealed class ClientTotalsTests
{
    [Theory]
    [InlineData(0, "low")]
    [InlineData(9_999, "low")]
    [InlineData(10_000, "medium")]
    [InlineData(29_999, "medium")]
    [InlineData(30_000, "high")]
    [InlineData(1_000_000, "high")]
    public void CollisionRisk_ActiveCodes_RisesAtItsThresholds(int codes, string risk) =>
        Assert.Equal(risk, new ClientCounts { Codes = codes, PeakCodes = 1_000_000 }.CollisionRisk);
}
