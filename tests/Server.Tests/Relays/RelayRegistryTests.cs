using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
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
        registry.Register(_owner, default, "relay", "key", max);

        Assert.True(registry.TryUpdateLoad(_owner, "relay", connected));

        Assert.Equal(new RelayCounts(1, offered ? 1 : 0), registry.Counts());
        Assert.Equal(offered ? [connected / max] : [], registry.Choose(10, null, null).Select(offer => offer.Capacity));
    }

    [Fact]
    public void Register_Again_KeepsTheLoadAndTakesTheRest()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1));
        registry.Register(_owner, default, "relay", "old", 20);
        registry.TryUpdateLoad(_owner, "relay", 10);
        Assert.Equal(new RelayCounts(1, 0), registry.Counts());

        registry.Register(_owner, default, "relay", "new", 40);

        var offer = Assert.Single(registry.Choose(10, null, null));
        Assert.Equal(("relay", "new", 0.25), (offer.PeerId, offer.PublicKey, offer.Capacity));
    }

    /// <summary>A relay belongs to the socket that registered it last; what an older one says, and its end, change nothing.</summary>
    [Fact]
    public void OldOwner_OfATakenName_ChangesNothing()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1));
        registry.Register(_owner, default, "relay", "old", 20);
        registry.Register(_other, default, "relay", "new", 20);

        Assert.False(registry.TryUpdateLoad(_owner, "relay", 20));
        Assert.False(registry.TryTouch(_owner, "relay"));
        registry.Remove(_owner, "relay");

        Assert.Equal("new", Assert.Single(registry.Choose(10, null, null)).PublicKey);
        Assert.Equal(new RelayCounts(1, 1), registry.Counts());
        registry.Remove(_other, "relay");
        Assert.Equal(default, registry.Counts());
    }

    [Fact]
    public void SetRemote_Again_TakesThePlaceOfWhatTheNodeOfferedBefore()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1), isInCluster: true);
        registry.SetRemote(1, Offers("a", "b"));
        registry.SetRemote(2, Offers("b", "c"));
        Assert.Equal(["a", "b", "c"], Names(registry));
        Assert.Equal(["b", "c"], Names(registry, "a"));

        // What has moved from one to two is not removed with one.
        registry.SetRemote(1, Offers());
        Assert.Equal(["b", "c"], Names(registry));
        registry.RemoveRemote(2);
        Assert.Empty(Names(registry));
        Assert.Equal(default, registry.Counts());
    }

    [Fact]
    public void SetRemote_NameOfAClientHere_IsOfferedAsItsOwnAndOnce()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1), isInCluster: true);
        registry.SetRemote(1, Offers("a", "b"));
        registry.Register(_owner, default, "a", "own", 20);
        registry.SetRemote(1, Offers("a", "b"));

        Assert.Equal(["own"], registry.Choose(10, "b", null).Select(offer => offer.PublicKey));
        Assert.Equal(["a"], registry.Sample(100).Select(offer => offer.Offer.PeerId));
        Assert.Equal(new RelayCounts(1, 1), registry.Counts());
        registry.TryUpdateLoad(_owner, "a", 20);
        Assert.Equal(["b"], Names(registry));
        Assert.Empty(registry.Sample(100));
    }

    [Fact]
    public void ExpireRemote_NodesNotHeard_AreForgotten()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1), isInCluster: true);
        registry.SetRemote(1, Offers("a"));
        _time.Advance(TimeSpan.FromSeconds(2));
        registry.SetRemote(2, Offers("b"));
        _time.Advance(TimeSpan.FromSeconds(1));
        registry.ExpireRemote(TimeSpan.FromSeconds(3));

        Assert.Equal(["b"], Names(registry));
    }

    [Fact]
    public void SetRemote_OfVeryManyNodes_IsBounded()
    {
        var registry = new RelayRegistry(new RelayOptions(), _time, new SeededRandom(1), isInCluster: true);
        for (var node = 1UL; node <= 100; node++)
        {
            registry.SetRemote(node, Offers([.. Enumerable.Range(0, 100).Select(i => $"{node}-{i}")]));
        }

        Assert.Equal(RemoteOffers.MaxCount, registry.Remote);
    }

    private static IEnumerable<(RelayOffer Offer, IpKey Address)> Offers(params string[] names) =>
        names.Select((name, i) => (new RelayOffer(name, null, 0), IpKey.FromIpv4((uint)i << 8)));

    private static IEnumerable<string> Names(RelayRegistry registry, string? without = null) =>
        registry.Choose(100, without, null).Select(offer => offer.PeerId).Order(StringComparer.Ordinal);
}
