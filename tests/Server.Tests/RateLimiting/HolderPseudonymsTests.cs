using System.Net;
using CsCheck;
using Relay.Addresses;
using Relay.Identity;
using Relay.RateLimiting;

namespace Server.Tests.RateLimiting;

public sealed class HolderPseudonymsTests : IDisposable
{
    private readonly ServerIdentity _identity = new(new byte[32]);
    private readonly HolderPseudonyms _pseudonyms;

    public HolderPseudonymsTests() => _pseudonyms = new HolderPseudonyms(_identity);

    public void Dispose() => _identity.Dispose();

    [Theory]
    [InlineData("192.0.2.1", "192.0.2.2", 48)]
    [InlineData("192.0.2.1", "192.0.3.1", 0)]
    [InlineData("2001:db8:1:203::", "2001:db8:1:204::", 56)]
    [InlineData("2001:db8:1:203::", "2001:db8:1:303::", 48)]
    [InlineData("2001:db8:1::", "2001:db8:2::", 0)]
    public void Of_TwoAddresses_ShareWhatTheirNetworksShare(string one, string other, int bits)
    {
        var (first, second) = (Of(one), Of(other));

        Assert.NotEqual(first, second);
        Assert.Equal(bits >= 48, first.Truncate(48) == second.Truncate(48));
        Assert.Equal(bits >= 56, first.Truncate(56) == second.Truncate(56));
    }

    [Fact]
    public void Of_AnyAddress_IsTheSameEachTimeAndReadFromItsText() => Gen.UInt.Sample(address =>
    {
        var pseudonym = _pseudonyms.Of(IpKey.FromIpv4(address));
        Assert.Equal(pseudonym, _pseudonyms.Of(IpKey.FromIpv4(address)));
        Assert.Equal(pseudonym, IpPrefix.KeyOf(pseudonym.ToString()));
        Assert.DoesNotContain(IpKey.FromIpv4(address).ToString(), pseudonym.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void Of_AnotherServer_IsAnother()
    {
        using var identity = new ServerIdentity([1, .. new byte[31]]);
        var others = new HolderPseudonyms(identity);

        Assert.NotEqual(Of("192.0.2.1"), others.Of(Key("192.0.2.1")));
        Assert.NotEqual(_pseudonyms.Of("key"), others.Of("key"));
        Assert.Equal(22, others.Of("key").Length);
    }

    [Fact]
    public void Of_Unresolved_IsUnresolved() => Assert.Equal(IpKey.Unresolved, _pseudonyms.Of(IpKey.Unresolved));

    private IpKey Of(string address) => _pseudonyms.Of(Key(address));

    private static IpKey Key(string address) => IpKey.From(IPAddress.Parse(address), 64);
}
