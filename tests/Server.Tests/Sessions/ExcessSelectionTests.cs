using CsCheck;
using Relay.Addresses;
using Relay.Admission;
using Relay.Sessions;

namespace Server.Tests.Sessions;

public sealed class ExcessSelectionTests : IDisposable
{
    private readonly QuietSessions _sessions = new();

    public void Dispose() => _sessions.Dispose();

    [Theory]
    [InlineData(false, new[] { 2, 3 })]
    [InlineData(true, new[] { 5, 4 })]
    public void Choose_TotalOver_TakesTheIdleOrTheNewest(bool newest, int[] expected)
    {
        var sessions = Open("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5");
        _sessions.Time.Advance(TimeSpan.FromSeconds(1));
        sessions[0].LastMessage = _sessions.Time.GetTimestamp();

        Assert.Equal(expected, Ids(sessions, newest, totalOver: 2).Order().OrderBy(id => newest ? -id : id));
    }

    [Fact]
    public void Choose_AddressOver_TakesOfThatAddressAlone()
    {
        var sessions = Open("192.0.2.1", "192.0.2.2", "192.0.2.2", "192.0.2.2", "192.0.2.1");

        Assert.Equal([2, 3], Ids(sessions, newest: false, totalOver: 0, Over("192.0.2.2", 3, 1)).Order());
    }

    [Fact]
    public void Choose_WhatGoesForAnAddress_CountsForItsNetworksAndTheTotal()
    {
        var sessions = Open("2001:db8::1", "2001:db8::1", "2001:db8:0:1::1", "2001:db8:0:1::1", "2001:db8:0:100::1");

        Assert.Equal([1, 3], Ids(sessions, newest: false, totalOver: 2, Over("2001:db8::/48", 5, 3), Over("2001:db8::/56", 4, 3), Over("2001:db8::1", 2, 1), Over("2001:db8:0:1::1", 2, 1)).Order());
    }

    [Fact]
    public void Choose_LeftMeanwhile_TakesNoMoreThanThereAre() =>
        Assert.Equal([1], Ids(Open("192.0.2.1"), newest: false, totalOver: 5, Over("192.0.2.1", 9, 1), Over("192.0.2.9", 9, 1)));

    /// <summary>Whatever is over what: afterwards all limits hold, and nobody went for nothing.</summary>
    [Fact]
    public void Choose_AnyEffect_IsEnoughAndNotOneTooMany() =>
        Gen.Select(Gen.Int[0, 5].Array[0, 20], Gen.Int[1, 5], Gen.Int[1, 8], Gen.Int[1, 20], Gen.Bool).Sample((hosts, perIp, perNetwork, total, newest) =>
        {
            using var quiet = new QuietSessions();
            var sessions = hosts.Select(host => quiet.Open(IpKey.FromIpv4((uint)(((host / 3) << 8) + (host % 3))))).ToList();
            var over = Excess(sessions, session => session.Key, perIp, isNetwork: false).Concat(Excess(sessions, session => session.Key.Truncate(24), perNetwork, isNetwork: true)).ToList();
            var chosen = ExcessSelection.Choose(sessions, new PolicyEffect(sessions.Count, Math.Max(0, sessions.Count - total), over, 0, 0, 0, TimeSpan.Zero), newest);
            var left = sessions.Except(chosen).ToList();

            Assert.Equal(chosen.Count, chosen.Distinct().Count());
            Assert.True(Holds(left));
            Assert.All(chosen, session => Assert.False(Holds([.. left, session])));

            bool Holds(List<Session> some) => some.Count <= total
                && Excess(some, session => session.Key, perIp, isNetwork: false).Count == 0
                && Excess(some, session => session.Key.Truncate(24), perNetwork, isNetwork: true).Count == 0;
        }, iter: 300);

    private static List<KeyOver> Excess(List<Session> sessions, Func<Session, IpKey> key, int most, bool isNetwork) =>
        [.. sessions.GroupBy(key).Where(group => group.Count() > most).Select(group => new KeyOver(group.Key, isNetwork, group.Count(), most))];

    private static IEnumerable<int> Ids(List<Session> sessions, bool newest, int totalOver, params KeyOver[] over) =>
        ExcessSelection.Choose(sessions, new PolicyEffect(sessions.Count, totalOver, over, 0, 0, 0, TimeSpan.Zero), newest).Select(session => (int)session.Id);

    private static KeyOver Over(string network, int live, int limit) =>
        IpPrefix.TryParse(network, out var prefix, out var error)
            ? new KeyOver(prefix.Key, network.Contains('/'), live, limit)
            : throw new FormatException(error);

    private List<Session> Open(params string[] addresses) => [.. addresses.Select(address =>
    {
        _sessions.Time.Advance(TimeSpan.FromSeconds(1));
        return _sessions.Open(IpPrefix.TryParse(address, out var prefix, out _) ? prefix.Key : throw new FormatException(address));
    })];
}
