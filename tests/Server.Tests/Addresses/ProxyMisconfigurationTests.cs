using Microsoft.Extensions.Logging;
using Relay.Addresses;
using Relay.Events;

namespace Server.Tests.Addresses;

public sealed class ProxyMisconfigurationTests
{
    private readonly RelayEvents _events = new(TimeProvider.System);
    private readonly ProxyMisconfiguration _suspicion;

    private IReadOnlyList<RelayEvent> Told => [.. _events.Last(int.MaxValue).Select(published => published.Event)];

    public ProxyMisconfigurationTests() => _suspicion = new ProxyMisconfiguration(_events);

    [Fact]
    public void Judge_OneAddressHoldsMost_IsSaidOnceAndClearsByItself()
    {
        for (var i = 0; i < 3; i++)
        {
            _suspicion.RefusedPerIp(held: 50, live: 83);
            Pass(1);
        }

        Assert.Equal(ProxyWarnings.OneAddress, _suspicion.Current);
        Assert.Equal(LogLevel.Warning, Assert.Single(Told).Level);

        Pass(5);
        Assert.Equal(ProxyWarnings.OneAddress, _suspicion.Current);
        Pass(1);
        Assert.Equal(ProxyWarnings.None, _suspicion.Current);
        Assert.Equal((LogLevel.Information, "Client address detection is normal again (one_address cleared)"), (Told[^1].Level, Told[^1].Text));
        Assert.Equal(2, Told.Count);
    }

    [Theory]
    // Few sockets say nothing; nor does a crowd that is not most of them.
    [InlineData(49, 49)]
    [InlineData(50, 84)]
    [InlineData(50, 10_000)]
    public void Judge_AnAddressAtItsLimitAmongOthers_IsNothing(int held, int live)
    {
        for (var i = 0; i < 100; i++)
        {
            _suspicion.RefusedPerIp(held, live);
        }

        Pass(1);
        Assert.Equal(ProxyWarnings.None, _suspicion.Current);
    }

    [Fact]
    public void Judge_HalfOfTheNewcomersBringUnlistedHeaders_IsSaidUntilFewDo()
    {
        Arrive(ClientAddressSource.UnlistedProxy, 10);
        Arrive(ClientAddressSource.Socket, 10);
        Pass(1);
        Assert.Equal(ProxyWarnings.UnlistedProxy, _suspicion.Current);
        Assert.StartsWith("50 % of new connections", Assert.Single(Told).Text, StringComparison.Ordinal);

        // A third still do: easier kept than raised.
        Arrive(ClientAddressSource.UnlistedProxy, 30);
        Arrive(ClientAddressSource.Socket, 60);
        Pass(1);
        Assert.Equal(ProxyWarnings.UnlistedProxy, _suspicion.Current);

        Arrive(ClientAddressSource.Socket, 1000);
        Pass(1);
        Assert.Equal(ProxyWarnings.None, _suspicion.Current);
        Assert.Equal(2, Told.Count);
    }

    [Fact]
    public void Judge_NobodyComesAnyMore_Clears()
    {
        Arrive(ClientAddressSource.UnlistedProxy, 1000);
        Pass(1);
        Assert.Equal(ProxyWarnings.UnlistedProxy, _suspicion.Current);

        Pass(60);
        Assert.Equal(ProxyWarnings.None, _suspicion.Current);
    }

    [Theory]
    [InlineData(19, 0, ProxyWarnings.None)]
    [InlineData(20, 0, ProxyWarnings.SilentProxy)]
    [InlineData(20, 21, ProxyWarnings.None)]
    public void Judge_TrustedProxiesTellNoAddress_ByTheirShare(int unresolved, int attributed, object expected)
    {
        // Direct clients are no proxy's fault and no proxy's merit.
        Arrive(ClientAddressSource.Socket, 1000);
        Arrive(ClientAddressSource.Unresolved, unresolved);
        Arrive(ClientAddressSource.Header, attributed);
        Pass(1);

        Assert.Equal((ProxyWarnings)expected, _suspicion.Current);
    }

    [Fact]
    public void Judge_ProxyHeadersWhereNoneIsDueOrOneIsMissing_CountToo()
    {
        for (var i = 0; i < 20; i++)
        {
            _suspicion.HeaderFromUntrustedPeer();
            _suspicion.HeaderIsMissing();
        }

        Pass(1);
        Assert.Equal(ProxyWarnings.UnlistedProxy | ProxyWarnings.SilentProxy, _suspicion.Current);
    }

    [Fact]
    public void Seen_EverySource_IsCountedUnderItsName()
    {
        foreach (var source in Enum.GetValues<ClientAddressSource>())
        {
            Arrive(source, 1 + (int)source);
        }

        Assert.Equal(
            [("socket", 1), ("unlisted_proxy", 2), ("header", 3), ("proxy_protocol", 4), ("proxy_itself", 5), ("unresolved", 6)],
            _suspicion.BySource().Select(pair => (pair.Key, (int)pair.Value)));
    }

    private void Arrive(ClientAddressSource source, int times)
    {
        for (var i = 0; i < times; i++)
        {
            _suspicion.Seen(new ResolvedClient(default, default, source));
        }
    }

    private void Pass(int ticks)
    {
        for (var i = 0; i < ticks; i++)
        {
            _suspicion.Evaluate();
        }
    }
}
