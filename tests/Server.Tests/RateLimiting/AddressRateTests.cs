using System.Net;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.RateLimiting;

namespace Server.Tests.RateLimiting;

public sealed class AddressRateTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AddressRate _rate;

    public AddressRateTests() => _rate = new AddressRate(2, _time, maxAddresses: 100);

    [Fact]
    public void TryTake_MoreThanAMinuteAllows_IsFalseForThatAddressAlone()
    {
        Assert.Equal([true, true, false], Take("192.0.2.1", 3));
        Assert.Equal([true, true, false], Take("192.0.2.2", 3));
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.Equal([true, false], Take("192.0.2.1", 2));
    }

    /// <summary>The attack: one /48 with more addresses than the table has places.</summary>
    [Fact]
    public void TryTake_OneNetworkFillsTheTable_OthersStillMayAndAreStillCounted()
    {
        Assert.Equal([true, true, false], Take("192.0.2.1", 3));
        for (var i = 0; i < 300; i++)
        {
            Take($"2001:db8:1:{i:x}::1", 1);
        }

        Assert.Equal([true, true, false], Take("198.51.100.1", 3));
        Assert.Equal([false], Take("192.0.2.1", 1));
    }

    [Fact]
    public void TryTake_FullOfNetworksWithOneAddressEach_IsFalseForANewOneUntilAMinuteHasPassed()
    {
        for (var i = 0; i < 100; i++)
        {
            Take($"10.{i}.0.1", 1);
        }

        Assert.Equal([false], Take("192.0.2.1", 1));
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal([true], Take("192.0.2.1", 1));
    }

    private IEnumerable<bool> Take(string address, int times) =>
        [.. Enumerable.Range(0, times).Select(_ => _rate.TryTake(IpKey.From(IPAddress.Parse(address), 64)))];
}
