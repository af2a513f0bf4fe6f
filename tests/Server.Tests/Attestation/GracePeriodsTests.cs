using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Attestation;

namespace Server.Tests.Attestation;

public sealed class GracePeriodsTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly AttestationOptions _options = new() { GracePeriod = TimeSpan.FromSeconds(30) };
    private readonly GracePeriods _periods;

    public GracePeriodsTests() => _periods = new GracePeriods(_options, _time);

    [Fact]
    public void Allows_ANewSocketOfTheSameAddress_HasNoNewTime()
    {
        var first = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.True(_periods.Allows(Address(1), first));
        Assert.True(_periods.Allows(Address(1), _time.GetTimestamp()));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.False(_periods.Allows(Address(1), _time.GetTimestamp()));
        Assert.True(_periods.Allows(Address(2), _time.GetTimestamp()));
    }

    [Fact]
    public void Allows_UnusedForTheLifeOfAProof_BeginsAnew()
    {
        Assert.True(_periods.Allows(Address(1), _time.GetTimestamp()));
        _time.Advance(_options.SessionLifetime - TimeSpan.FromSeconds(1));
        Assert.False(_periods.Allows(Address(1), _time.GetTimestamp()));
        _time.Advance(_options.SessionLifetime);
        Assert.True(_periods.Allows(Address(1), _time.GetTimestamp()));
        Assert.Equal(1, _periods.Count);
    }

    [Fact]
    public void Allows_FullTable_ForgetsOneOfTheNetworkThatHasMost()
    {
        _options.MaxGracePeriods = 10;
        Assert.True(_periods.Allows(IpKey.FromIpv4(1 << 24), _time.GetTimestamp()));
        _time.Advance(_options.GracePeriod);
        for (var i = 0; i < 100; i++)
        {
            _periods.Allows(Address(i), _time.GetTimestamp());
        }

        Assert.Equal(10, _periods.Count);
        Assert.False(_periods.Allows(IpKey.FromIpv4(1 << 24), _time.GetTimestamp()));
    }

    [Fact]
    public void Allows_NoGrace_Never()
    {
        _options.GracePeriod = TimeSpan.Zero;
        Assert.False(_periods.Allows(Address(1), _time.GetTimestamp()));
    }

    private static IpKey Address(int last) => IpKey.FromIpv4((10u << 24) + (uint)last);
}
