using CsCheck;
using Relay.Policy;

namespace Server.Tests.Policy;

/// <summary>Each item has one spelling, and what is read back from it is the same.</summary>
public sealed class PolicyGrammarTests
{
    [Theory]
    [InlineData("total", "1", "1")]
    [InlineData("total", "1,000", "1000")]
    [InlineData("per-56", "off", "off")]
    [InlineData("per-56", "8x", "8x")]
    [InlineData("per-56", "400", "400")]
    [InlineData("per-56", "8X", null)]
    [InlineData("per-56", "-8x", null)]
    [InlineData("per-56", "1000001x", null)]
    [InlineData("per-48", "", null)]
    [InlineData("per-48", "x", null)]
    [InlineData("rate-per-ip", "off", "off")]
    [InlineData("rate-per-ip", "20/s", "20/s burst 200")]
    [InlineData("rate-per-ip", "20/s burst 7", "20/s burst 7")]
    [InlineData("rate-per-ip", "20/s  burst  7", "20/s burst 7")]
    [InlineData("rate-per-ip", "30/m", "30/m burst 5")]
    [InlineData("rate-per-ip", "1/m", "1/m burst 1")]
    [InlineData("rate-per-ip", "60/m", "1/s burst 10")]
    [InlineData("rate-per-ip", "90/m", "90/m burst 15")]
    [InlineData("rate-per-ip", "20/h", null)]
    [InlineData("rate-per-ip", "0/s", null)]
    [InlineData("rate-per-ip", "1.5/s", null)]
    [InlineData("rate-per-ip", "20/s burst 0", null)]
    [InlineData("rate-per-ip", "20/s burst", null)]
    [InlineData("rate-per-ip", "20/s bursts 7", null)]
    [InlineData("rate-per-ip", "/s", null)]
    [InlineData("unresolved", "refuse", "refuse")]
    [InlineData("unresolved", "Refuse", null)]
    [InlineData("overload-level", "auto", "auto")]
    [InlineData("overload-level", "critical", "critical")]
    [InlineData("overload-level", "1", null)]
    [InlineData("shadow/level", "normal", null)]
    [InlineData("override/10.0.0.0/8", "200", "200")]
    [InlineData("override/10.0.0.0/8", "unlimited", "unlimited")]
    [InlineData("override/10.0.0.0/8", "deny", "deny")]
    [InlineData("override/10.0.0.0/8", "0", null)]
    [InlineData("override/10.0.0.0/8", "Deny", null)]
    [InlineData("ban/10.0.0.0/8", "forever", "forever")]
    [InlineData("ban/10.0.0.0/8", "forever   scanning all day ", "forever scanning all day")]
    [InlineData("ban/10.0.0.0/8", "2026-01-31T12:00:00Z scanning", "2026-01-31T12:00:00Z scanning")]
    [InlineData("ban/10.0.0.0/8", "2026-01-31T12:00:00+01:00", null)]
    [InlineData("ban/10.0.0.0/8", "2026-02-30T12:00:00Z", null)]
    [InlineData("ban/10.0.0.0/8", "", null)]
    [InlineData("shadow/per-ip", "5", "5")]
    [InlineData("shadow/per-ip", "none", null)]
    public void Normalize_AText_IsInItsOneSpellingOrRefused(string path, string text, string? expected)
    {
        var error = PolicyGrammar.Normalize(path, text, 64, out var normalPath, out var normal);

        Assert.Equal(expected is null, error is not null);
        if (expected is not null)
        {
            Assert.Equal((path, expected), (normalPath, normal));
            Assert.Null(PolicyGrammar.Normalize(path, normal, 64, out _, out var twice));
            Assert.Equal(normal, twice);
        }
    }

    [Theory]
    [InlineData("override/2001:DB8:0::/48", "override/2001:db8::/48")]
    [InlineData("ban/192.0.2.1/32", "ban/192.0.2.1")]
    [InlineData("shadow/ban/2001:0db8::1", "shadow/ban/2001:db8::1")]
    [InlineData("per-ip", "per-ip")]
    [InlineData("shadow/per-ip", "shadow/per-ip")]
    [InlineData("ban/nobody", "ban/nobody")]
    public void PathOf_APath_IsInItsOneSpelling(string path, string expected) => Assert.Equal(expected, PolicyGrammar.PathOf(path));

    [Theory]
    [InlineData("off", 50, int.MaxValue)]
    [InlineData("8x", 50, 400)]
    [InlineData("8x", 1, 8)]
    [InlineData("1000000x", 1000000, int.MaxValue)]
    [InlineData("400", 50, 400)]
    [InlineData("40", 50, 50)]
    public void TierLimit_For_AnAddressCanAlwaysUseItsOwn(string text, int perIp, int expected)
    {
        Assert.True(TierLimit.TryParse(text, out var limit));
        Assert.Equal(expected, limit.For(perIp));
    }

    [Fact]
    public void ConnectRate_AnyText_IsReadBackAsItIs() =>
        Gen.Select(Gen.Int[1, 1_000_000], Gen.Bool, Gen.Int[1, 1_000_000]).Sample((count, perMinute, burst) =>
        {
            Assert.True(ConnectRate.TryParse($"{count}/{(perMinute ? 'm' : 's')} burst {burst}", out var rate));
            Assert.True(ConnectRate.TryParse(rate.ToString(), out var again), rate.ToString());
            Assert.Equal((rate.ToString(), rate.Burst), (again.ToString(), again.Burst));
            Assert.Equal(rate.PerSecond, again.PerSecond, 1e-9 * rate.PerSecond);
        });

    [Fact]
    public void Ban_AnyReason_IsReadBackAsItIs() =>
        Gen.Select(Gen.Bool, Gen.Int[0, int.MaxValue], Gen.String[Gen.Char[' ', '~'], 0, 40]).Sample((forever, seconds, reason) =>
        {
            var ban = new Ban(forever ? null : DateTimeOffset.UnixEpoch.AddSeconds(seconds), reason.Trim());
            Assert.True(Ban.TryParse(ban.ToString(), out var again));
            Assert.Equal(ban, again);
        });
}
