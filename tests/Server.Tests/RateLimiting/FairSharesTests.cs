using CsCheck;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Server.Tests.RateLimiting;

public sealed class FairSharesTests
{
    private readonly FairShares _shares = new();

    // Few networks of each size, so that they hold one another's addresses.
    private static readonly Gen<IpKey> Addresses = Gen.OneOf(
        Gen.Int[0, 11].Select(i => Ipv4($"10.0.{i / 4}.{i % 4}")),
        Gen.Int[0, 17].Select(i => Ipv6($"2001:db8:{i / 9}:{(i / 3 % 3) << 8 | (i % 3):x}::")),
        Gen.Const(IpKey.Unresolved));

    /// <summary>Against a model that keeps a flat list and adds it up anew for every question.</summary>
    [Fact]
    public void AnySteps_Largest_IsWhoANaiveModelSays() =>
        Gen.Select(Addresses, Gen.Long[-40, 60]).Array[1, 80].Sample(steps =>
        {
            var shares = new FairShares();
            var model = new Dictionary<IpKey, long>();
            foreach (var (address, step) in steps)
            {
                var held = model.GetValueOrDefault(address);
                var amount = Math.Max(step, -held);
                shares.Add(address, amount);
                model[address] = held + amount;
                model = model.Where(entry => entry.Value > 0).ToDictionary();

                Assert.Equal(model.Values.Sum(), shares.Total);
                Assert.Equal(model.Count, shares.Holders);
                Assert.Equal(held + amount, shares.Of(address));
                AssertLargest(model, address, shares.Largest(address));
            }

            foreach (var (address, amount) in model)
            {
                shares.Add(address, -amount);
            }

            Assert.Equal((0, 0), (shares.Total, shares.Holders));
        });

    [Fact]
    public void Largest_OneAddressAgainstMany_IsThatAddress()
    {
        var greedy = Ipv4("192.0.2.1");
        _shares.Add(greedy, 3);
        for (var i = 0; i < 50; i++)
        {
            _shares.Add(Ipv4($"10.{i}.0.1"), 2);
        }

        Assert.Equal(greedy, _shares.Largest(Ipv4("10.0.0.1")));
    }

    /// <summary>Each of its addresses holds less than the honest one.</summary>
    [Theory]
    [InlineData("2001:db8:1:{0}::")]
    [InlineData("198.51.100.{0}")]
    public void Largest_NetworkOfSmallHolders_IsOneOfThem(string network)
    {
        var honest = Ipv4("192.0.2.1");
        _shares.Add(honest, 10);
        for (var i = 1; i <= 99; i++)
        {
            var text = string.Format(System.Globalization.CultureInfo.InvariantCulture, network, i);
            _shares.Add(text.Contains(':') ? Ipv6(text) : Ipv4(text), 1);
        }

        Assert.NotEqual(honest, _shares.Largest(honest));
    }

    /// <summary>Four addresses of an office are as good as one elsewhere each.</summary>
    [Fact]
    public void Largest_SmallOfficeBesideOneWithMore_IsTheOneWithMore()
    {
        var greedy = Ipv4("192.0.2.1");
        _shares.Add(greedy, 6);
        for (var i = 1; i <= 4; i++)
        {
            _shares.Add(Ipv4($"198.51.100.{i}"), 5);
        }

        Assert.Equal(greedy, _shares.Largest(Ipv4("198.51.100.1")));
    }

    [Fact]
    public void Largest_AllHoldTheSame_IsTheNewcomer()
    {
        for (var i = 0; i < 20; i++)
        {
            _shares.Add(Ipv4($"10.{i}.0.1"), 1);
        }

        Assert.Equal(Ipv4("10.7.0.1"), _shares.Largest(Ipv4("10.7.0.1")));
    }

    [Fact]
    public void Largest_NobodyHoldsAnything_IsTheNewcomer() => Assert.Equal(Ipv4("10.0.0.1"), _shares.Largest(Ipv4("10.0.0.1")));

    [Fact]
    public void Add_TakesMoreThanIsHeld_IsAnError() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => _shares.Add(Ipv4("10.0.0.1"), -1));

    // Follows the path from the widest network down: at each step the chosen part has the most pressure, and where the newcomer's has as much, it is that.
    private static void AssertLargest(Dictionary<IpKey, long> model, IpKey newcomer, IpKey chosen)
    {
        if (model.Count == 0)
        {
            Assert.Equal(newcomer, chosen);
            return;
        }

        var candidates = model.Keys.ToList();
        for (var level = 0; level < 3; level++)
        {
            var parts = candidates.GroupBy(address => Part(address, level)).ToDictionary(part => part.Key, part => Pressure(model, part, level));
            var most = parts.Values.Max();
            var part = Part(chosen, level);
            Assert.Equal(most, parts[part]);
            if (candidates.Contains(newcomer) && parts[Part(newcomer, level)] == most)
            {
                Assert.Equal(Part(newcomer, level), part);
            }

            candidates = [.. candidates.Where(address => Part(address, level) == part)];
        }

        Assert.Equal(chosen, Assert.Single(candidates));
    }

    // The parts of one level: a /48, a /24 or what is in neither; then a /56; then an address.
    private static IpKey Part(IpKey address, int level) => (Tiers.NetworksOf(address), level) switch
    {
        (_, 2) => address,
        (var networks, 0) => networks.Far ?? networks.Near ?? address,
        var (networks, _) => networks.Near ?? address,
    };

    private static double Pressure(Dictionary<IpKey, long> model, IEnumerable<IpKey> addresses, int level)
    {
        var all = addresses.ToList();
        var pressure = (double)all.Max(address => model[address]);
        foreach (var near in all.Where(address => address.IsIpv6).GroupBy(address => Tiers.NetworksOf(address).Near))
        {
            pressure = Math.Max(pressure, near.Sum(address => model[address]) / 2.0);
        }

        var isWide = !all[0].IsUnresolved && (level == 0 || (level == 1 && !all[0].IsIpv6));
        return isWide ? Math.Max(pressure, all.Sum(address => model[address]) / 4.0) : pressure;
    }

    private static IpKey Ipv4(string text) => Key(text);

    private static IpKey Ipv6(string text) => Key(text).TruncateIpv6(64);

    private static IpKey Key(string text) => IpKey.From(System.Net.IPAddress.Parse(text));
}
