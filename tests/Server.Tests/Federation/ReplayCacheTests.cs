using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class ReplayCacheTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReplayCache _cache;

    public ReplayCacheTests() => _cache = new ReplayCache(new FederationOptions { MaxReplays = 100 }, _time);

    [Fact]
    public void TryAdd_Seen_IsReplayedUntilItExpires()
    {
        Assert.True(Add(1, 1));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.False(Add(1, 1));
        Assert.False(Add(2, 1));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(Add(1, 1));
    }

    /// <summary>The attack: an address makes identities and handshakes without end, to keep others out or to replay one that it has recorded.</summary>
    [Fact]
    public void TryAdd_OneAddressFillsIt_KeepsNobodyOutAndMakesNobodyElsesForgotten()
    {
        Assert.True(Add(1, -1));
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(Add(2, i));
        }

        Assert.True(Add(3, -2));
        Assert.Equal(100, _cache.Count);
        Assert.False(Add(2, -1));
        Assert.False(Add(2, -2));
        Assert.False(Add(2, 999));
    }

    private bool Add(int address, int signature) => _cache.TryAdd(IpKey.FromIpv4((uint)address << 8), BitConverter.GetBytes(signature));
}
