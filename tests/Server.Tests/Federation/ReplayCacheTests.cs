using Microsoft.Extensions.Time.Testing;
using Relay.Federation;
using Relay.Protocol;

namespace Server.Tests.Federation;

public sealed class ReplayCacheTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly ReplayCache _cache;

    public ReplayCacheTests() => _cache = new ReplayCache(new FederationOptions(), _time);

    [Fact]
    public void TryAdd_Seen_IsReplayedUntilItExpires()
    {
        Assert.Equal(CloseReason.None, _cache.TryAdd("a", [1]));
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal(CloseReason.HandshakeReplayed, _cache.TryAdd("a", [1]));
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(CloseReason.None, _cache.TryAdd("a", [1]));
    }

    [Fact]
    public void TryAdd_OneServerOverItsShare_KeepsNobodyElseOut()
    {
        for (var i = 0; i < ReplayCache.CapacityPerServer; i++)
        {
            Assert.Equal(CloseReason.None, _cache.TryAdd("a", BitConverter.GetBytes(i)));
        }

        Assert.Equal(CloseReason.PeerLimit, _cache.TryAdd("a", [1]));
        Assert.Equal(CloseReason.None, _cache.TryAdd("b", [1]));
    }

    [Fact]
    public void TryAdd_Full_RefusesAndForgetsNothing()
    {
        for (var i = 0; i < ReplayCache.Capacity; i++)
        {
            Assert.Equal(CloseReason.None, _cache.TryAdd($"{i}", BitConverter.GetBytes(i)));
        }

        Assert.Equal(CloseReason.PeerLimit, _cache.TryAdd("new", [1]));
        Assert.Equal(CloseReason.HandshakeReplayed, _cache.TryAdd("0", BitConverter.GetBytes(0)));
        _time.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(CloseReason.None, _cache.TryAdd("new", [1]));
    }
}
