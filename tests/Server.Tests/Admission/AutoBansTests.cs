using System.Net;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;

namespace Server.Tests.Admission;

public sealed class AutoBansTests
{
    private static readonly IpKey Address = Key("203.0.113.7");

    private readonly FakeTimeProvider _time = new();
    private readonly RelayEvents _events;

    public AutoBansTests() => _events = new RelayEvents(_time);

    private IReadOnlyList<AutoBan> Made => [.. _events.Last(int.MaxValue).Select(published => published.Event).OfType<AddressBanned>().Select(banned => banned.Ban)];

    [Fact]
    public void Strike_OftenEnoughInTheWindow_BansForLongerEachTimeUpToTheLongest()
    {
        var bans = Create(options => (options.Duration, options.MaxDuration) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(35)));
        foreach (var minutes in new[] { 10, 20, 35, 35 })
        {
            RecordViolation(bans, Address, 3);
            _time.Advance(TimeSpan.FromMinutes(minutes) - TimeSpan.FromTicks(1));
            Assert.True(bans.IsBanned(Address));
            _time.Advance(TimeSpan.FromTicks(1));
            Assert.False(bans.IsBanned(Address));
        }

        Assert.Equal([1, 2, 3, 4], Made.Select(ban => ban.Times));
        Assert.Equal(4, bans.Made);
    }

    [Fact]
    public void Strike_SpreadOverWindows_NeverBans()
    {
        var bans = Create();
        for (var i = 0; i < 20; i++)
        {
            RecordViolation(bans, Address, 2);
            _time.Advance(TimeSpan.FromSeconds(61));
        }

        Assert.Empty(Made);
    }

    [Fact]
    public void Strike_WhileBanned_DoesNotProlong()
    {
        var bans = Create();
        RecordViolation(bans, Address, 50);
        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.False(bans.IsBanned(Address));
        Assert.Single(Made);
    }

    [Fact]
    public void Strike_GoodForLongAfterABan_StartsAnew()
    {
        var bans = Create(options => options.MaxDuration = TimeSpan.FromHours(1));
        RecordViolation(bans, Address, 3);
        _time.Advance(TimeSpan.FromHours(2));
        RecordViolation(bans, Key("198.51.100.1"), 1);
        RecordViolation(bans, Address, 3);

        Assert.Equal([1, 1], Made.Select(ban => ban.Times));
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("192.168.1.1", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("fd00::1", false)]
    [InlineData("::1", false)]
    [InlineData("198.51.100.9", false)]
    [InlineData("198.51.101.9", true)]
    [InlineData("2001:db8::1", true)]
    public void Strike_ProxiesAndPrivateNetworks_AreNeverBanned(string address, bool banned)
    {
        var bans = Create();
        RecordViolation(bans, Key(address), 10);

        Assert.Equal(banned, bans.IsBanned(Key(address)));
    }

    [Fact]
    public void Strike_PrivateNetworksAllowed_StillSparesProxies()
    {
        var bans = Create(options => options.PrivateNetworks = true);
        RecordViolation(bans, Key("10.1.2.3"), 10);
        RecordViolation(bans, Key("198.51.100.9"), 10);

        Assert.True(bans.IsBanned(Key("10.1.2.3")));
        Assert.False(bans.IsBanned(Key("198.51.100.9")));
    }

    [Fact]
    public void Strike_OneIpv6Address_DoesNotHitItsNeighbour()
    {
        var bans = Create();
        RecordViolation(bans, Key("2001:db8::1"), 3);

        Assert.True(bans.IsBanned(Key("2001:db8::1")));
        Assert.False(bans.IsBanned(Key("2001:db8::2")));
    }

    [Fact]
    public void Strike_MoreAddressesThanAreCounted_BansOnlyThoseThatAre()
    {
        var bans = Create(options => options.MaxAddresses = 16);
        for (uint i = 0; i < 30; i++)
        {
            RecordViolation(bans, IpKey.FromIpv4(0xCB007100 + i), 3);
        }

        Assert.Equal(16, bans.All().Count);
    }

    /// <summary>The attack: one network whose many addresses fill the table, so that nobody else is counted.</summary>
    [Fact]
    public void Strike_OneNetworkFillsTheTable_OthersAreStillCounted()
    {
        var bans = Create(options => options.MaxAddresses = 16);
        for (uint i = 0; i < 30; i++)
        {
            RecordViolation(bans, IpKey.FromIpv4(0xCB007100 + i), 1);
        }

        RecordViolation(bans, Key("192.0.2.1"), 3);

        Assert.True(bans.IsBanned(Key("192.0.2.1")));
    }

    [Fact]
    public void Remove_ANetwork_EndsItsBansAndForgetsWhy()
    {
        var bans = Create();
        RecordViolation(bans, Address, 3);
        RecordViolation(bans, Key("192.0.2.1"), 3);
        Assert.True(IpPrefix.TryParse("203.0.113.0/24", out var network, out _));

        Assert.Equal(new IpPrefix(Address), Assert.Single(bans.Remove(network)).Network);
        Assert.False(bans.IsBanned(Address));
        Assert.True(bans.IsBanned(Key("192.0.2.1")));
        RecordViolation(bans, Address, 3);
        Assert.Equal(1, Made[^1].Times);
    }

    /// <summary>Each ban that runs out is told of once; one that was lifted before is not.</summary>
    [Fact]
    public void Sweep_BansRunOut_AreToldOnce()
    {
        var bans = Create(options => (options.Duration, options.MaxDuration) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20)));
        RecordViolation(bans, Address, 3);
        RecordViolation(bans, Key("203.0.113.8"), 3);
        bans.Remove(new IpPrefix(Key("203.0.113.8")));
        _time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromTicks(1));
        bans.Sweep();
        Assert.Empty(Expired);

        _time.Advance(TimeSpan.FromTicks(1));
        bans.Sweep();
        bans.Sweep();
        Assert.Equal(["The automatic ban of 203.0.113.7 expired"], Expired);

        RecordViolation(bans, Address, 3);
        Assert.True(bans.IsBanned(Address));
        _time.Advance(TimeSpan.FromMinutes(20));
        bans.Sweep();
        Assert.Equal(2, Expired.Count);
        Assert.False(bans.IsBanned(Address));
    }

    /// <summary>Banned again between the end of its ban and the sweep: nothing is said to have expired while it is banned.</summary>
    [Fact]
    public void Sweep_BannedAgainSinceTheEnd_TellsOnlyOfTheEndOfTheNewBan()
    {
        var bans = Create(options => (options.Duration, options.MaxDuration) = (TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(20)));
        RecordViolation(bans, Address, 3);
        _time.Advance(TimeSpan.FromMinutes(10));
        RecordViolation(bans, Address, 3);
        bans.Sweep();
        Assert.Empty(Expired);
        Assert.True(bans.IsBanned(Address));

        _time.Advance(TimeSpan.FromMinutes(20));
        bans.Sweep();
        Assert.Single(Expired);
        Assert.False(bans.IsBanned(Address));
    }

    /// <summary>Lifted and banned anew: the end of the first ban is not that of the second.</summary>
    [Fact]
    public void Sweep_LiftedAndBannedAnew_TellsOnlyOfTheEndOfTheNewBan()
    {
        var bans = Create();
        RecordViolation(bans, Address, 3);
        _time.Advance(TimeSpan.FromMinutes(5));
        Assert.Single(bans.Remove(new IpPrefix(Address)));
        RecordViolation(bans, Address, 3);
        _time.Advance(TimeSpan.FromMinutes(5));
        bans.Sweep();
        Assert.Empty(Expired);
        Assert.True(bans.IsBanned(Address));
    }

    /// <summary>However many addresses are banned, and however many bans end at once, the stream keeps what else happened, and no ban goes uncounted.</summary>
    [Fact]
    public void Sweep_FloodOfBans_LeavesOtherEventsInTheStream()
    {
        const int Flood = 20_000;
        var bans = Create();
        _events.Publish(new StateChanged(RelayPhase.Serving, RelayPhase.Draining, null));
        for (uint i = 0; i < Flood; i++)
        {
            RecordViolation(bans, IpKey.FromIpv4(0xCB000000 + i), 3);
        }

        bans.Sweep();
        Assert.Equal(Flood, bans.All().Count);
        _time.Advance(TimeSpan.FromMinutes(10));
        bans.Sweep();
        Assert.Empty(bans.All());

        var told = _events.Last(int.MaxValue).Select(published => published.Event).ToList();
        Assert.IsType<StateChanged>(told[0]);
        Assert.Equal(Flood, Made.Count + Assert.Single(told.OfType<MoreAddressesBanned>()).Count);
        Assert.Equal(Flood, Expired.Count + Assert.Single(told.OfType<MoreAutoBansExpired>()).Count);
    }

    [Fact]
    public void Strike_SwitchedOff_CountsNothing()
    {
        var bans = Create(options => options.Threshold = 0);
        RecordViolation(bans, Address, 1000);

        Assert.False(bans.IsBanned(Address));
    }

    private IReadOnlyList<string> Expired => [.. _events.Last(int.MaxValue).Select(published => published.Event).OfType<AutoBanExpired>().Select(expired => expired.Text)];

    private AutoBans Create(Action<AutoBanOptions>? configure = null)
    {
        var options = new AutoBanOptions { Threshold = 3 };
        configure?.Invoke(options);
        return new AutoBans(options, new ProtectedNetworks(["198.51.100.0/24"]), _events, _time);
    }

    private static void RecordViolation(AutoBans bans, IpKey address, int times)
    {
        for (var i = 0; i < times; i++)
        {
            bans.RecordViolation(address);
        }
    }

    private static IpKey Key(string address) => IpKey.From(IPAddress.Parse(address));
}
