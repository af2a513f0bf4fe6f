using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.Relays;
using Server.Tests.Support;

namespace Server.Tests.Relays;

public sealed class RelayRegistryTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Client _owner = new(null!);
    private readonly Client _other = new(null!);

    [Theory]
    [InlineData(50, 20, 9.99, true)]
    [InlineData(50, 20, 10, false)]
    [InlineData(50, 1, 0, true)]
    [InlineData(50, 1.5, 1, false)]
    [InlineData(100, 20, 19, true)]
    [InlineData(100, 20, 20, false)]
    [InlineData(1, 1000, 9, true)]
    [InlineData(1, 1000, 10, false)]
    public void Relay_BelowItsShare_IsOffered(int busyAtPercent, double max, double connected, bool offered)
    {
        var registry = new RelayRegistry(new RelayOptions { BusyAtPercent = busyAtPercent }, _time, new SeededRandom(1));
        registry.Register(_owner, "relay", "key", max);

        Assert.True(registry.TryUpdateLoad(_owner, "relay", connected));

        Assert.Equal(new RelayCounts(1, offered ? 1 : 0), registry.Counts());
        Assert.Equal(offered ? [connected / max] : [], registry.Choose(10, null, null).Select(offer => offer.Capacity));
    }

    [Fact]
    public void Register_Again_KeepsTheLoadAndTakesTheRest()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1));
        registry.Register(_owner, "relay", "old", 20);
        registry.TryUpdateLoad(_owner, "relay", 10);
        Assert.Equal(new RelayCounts(1, 0), registry.Counts());

        registry.Register(_owner, "relay", "new", 40);

        var offer = Assert.Single(registry.Choose(10, null, null));
        Assert.Equal(("relay", "new", 0.25), (offer.PeerId, offer.PublicKey, offer.Capacity));
    }

    /// <summary>A relay belongs to the socket that registered it last; what an older one says, and its end, change nothing.</summary>
    [Fact]
    public void OldOwner_OfATakenName_ChangesNothing()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1));
        registry.Register(_owner, "relay", "old", 20);
        registry.Register(_other, "relay", "new", 20);

        Assert.False(registry.TryUpdateLoad(_owner, "relay", 20));
        Assert.False(registry.TryTouch(_owner, "relay"));
        registry.Remove(_owner, "relay");

        Assert.Equal("new", Assert.Single(registry.Choose(10, null, null)).PublicKey);
        Assert.Equal(new RelayCounts(1, 1), registry.Counts());
        registry.Remove(_other, "relay");
        Assert.Equal(default, registry.Counts());
    }
}
