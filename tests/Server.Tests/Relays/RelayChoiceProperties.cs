using CsCheck;
using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.Relays;
using Server.Tests.Support;

namespace Server.Tests.Relays;

/// <summary>Which relays are offered.</summary>
public sealed class RelayChoiceProperties
{
    private const int Peers = 6;

    /// <summary>Whatever was registered, loaded and removed before: a choice is of what is free, without the two named, each once.</summary>
    [Fact]
    public void Choose_AfterAnyOperations_IsOfTheFreeAndNeverOfTheNamed() =>
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, Peers - 1], Gen.Int[0, Peers], Gen.Int[0, 20]).Array[0, 60].Sample(
            operations =>
            {
                var registry = new RelayRegistry(new RelayOptions(), TimeProvider.System, new SeededRandom(operations.Length));
                var owners = Enumerable.Range(0, Peers).Select(_ => new Client(null!)).ToArray();
                var model = new Dictionary<string, (double Count, double Max)>();
                foreach (var (what, peer, other, number) in operations)
                {
                    var (name, named) = ($"p{peer}", $"p{other}");
                    switch (what)
                    {
                        case < 3:
                            registry.Register(owners[peer], IpKey.FromIpv4((uint)peer << 7), name, null, number + 1);
                            model[name] = (model.GetValueOrDefault(name).Count, number + 1);
                            break;
                        case < 6:
                            Assert.Equal(model.ContainsKey(name), registry.TryUpdateLoad(owners[peer], name, number));
                            if (model.TryGetValue(name, out var relay))
                            {
                                model[name] = (number, relay.Max);
                            }

                            break;
                        case 6:
                            registry.Remove(owners[peer], name);
                            model.Remove(name);
                            break;
                        default:
                            var free = model.Where(relay => relay.Value.Count / relay.Value.Max < 0.5).Select(relay => relay.Key);
                            var allowed = free.Except([name, named]).ToHashSet();
                            var count = (number % 4) + 1;
                            var chosen = registry.Choose(count, name, other == Peers ? null : named);

                            Assert.Equal(Math.Min(count, allowed.Count), chosen.Count);
                            Assert.Equal(chosen.Count, chosen.Select(offer => offer.PeerId).Distinct().Count());
                            Assert.Empty(chosen.Select(offer => offer.PeerId).Except(allowed));
                            Assert.All(chosen, offer => Assert.Equal(model[offer.PeerId].Count / model[offer.PeerId].Max, offer.Capacity));
                            break;
                    }

                    Assert.Equal(
                        new RelayCounts(model.Count, model.Values.Count(relay => relay.Count / relay.Max < 0.5)), registry.Counts());
                }
            },
            iter: 2000);

    /// <summary>
    /// Each relay is as likely as any other at every place of the answer. The source is seeded, so that the outcome is fixed;
    /// the bound is what a fair choice exceeds once in a thousand.
    /// </summary>
    [Fact]
    public void Choose_ManyTimes_IsUniformAtEveryPlace()
    {
        const int Relays = 20;
        const int Count = 5;
        const int Rounds = 20_000;
        const double Bound = 43.8;
        var registry = new RelayRegistry(new RelayOptions(), TimeProvider.System, new SeededRandom(7));
        for (var i = 0; i <= Relays; i++)
        {
            registry.Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"{i}", null, 10);
        }

        var seen = new double[Count, Relays];
        for (var round = 0; round < Rounds; round++)
        {
            var chosen = registry.Choose(Count, $"{Relays}", null);
            for (var place = 0; place < Count; place++)
            {
                seen[place, int.Parse(chosen[place].PeerId, System.Globalization.CultureInfo.InvariantCulture)]++;
            }
        }

        const double Expected = (double)Rounds / Relays;
        Assert.All(Enumerable.Range(0, Count), place => Assert.InRange(
            Enumerable.Range(0, Relays).Sum(relay => Math.Pow(seen[place, relay] - Expected, 2) / Expected), 0, Bound));
    }

    /// <summary>Two of the real source's choices are the same once in 50·49·…·31 times.</summary>
    [Fact]
    public void Choose_WithTheRealSource_Differs()
    {
        var registry = new RelayRegistry(new RelayOptions(), TimeProvider.System, new SeededRandom(1));
        for (var i = 0; i < 50; i++)
        {
            registry.Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"{i}", null, 10);
        }

        Assert.NotEqual(registry.Choose(20, null, null), registry.Choose(20, null, null));
    }

    /// <summary>A thousand relays of one network beside nine others: each of those is in every answer, and the network once.</summary>
    [Fact]
    public void Choose_OneNetworkHasMost_EveryNetworkHasItsTurn()
    {
        var registry = new RelayRegistry(new RelayOptions(), TimeProvider.System, new SeededRandom(3));
        for (var i = 0; i < 1000; i++)
        {
            var address = IpKey.FromIpv6(0x2001_0db8_0001_0000 + (ulong)i, 0).TruncateIpv6(64);
            registry.Register(new Client(null!), address, $"many{i}", null, 10);
        }

        for (var i = 0; i < 9; i++)
        {
            registry.Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"honest{i}", null, 10);
        }

        for (var round = 0; round < 100; round++)
        {
            var chosen = registry.Choose(10, null, null);
            Assert.Equal((10, 9), (chosen.Count, chosen.Count(offer => offer.PeerId.StartsWith("honest", StringComparison.Ordinal))));
        }

        Assert.Equal(100, registry.Choose(100, null, null).Select(offer => offer.PeerId).Distinct().Count());
    }

    /// <summary>Keys of the longest kind: an answer has its bytes and no more, and they leave a place for others.</summary>
    [Fact]
    public void Choose_LongKeys_IsBoundedInBytes()
    {
        var registry = new RelayRegistry(new RelayOptions(), TimeProvider.System, new SeededRandom(5));
        for (var i = 0; i < 200; i++)
        {
            registry.Register(new Client(null!), IpKey.FromIpv4((uint)i << 8), $"relay{i}", new string('\u0001', 256), 10);
        }

        for (var round = 0; round < 100; round++)
        {
            var message = MessageWriter.Write(new RelayList(registry.Choose(100, null, null)), ServerJson.Default.RelayList);
            Assert.InRange(message.Length, RelayRegistry.MaxOfferedBytes / 2, RelayRegistry.MaxOfferedBytes + 100);
            message.Return();
        }
    }
}
