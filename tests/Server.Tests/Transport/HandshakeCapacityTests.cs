using System.Globalization;
using Relay.Addresses;
using Relay.Memory;
using Relay.Transport;

namespace Server.Tests.Listening;

/// <summary>Who gives way when there are too many pending handshakes in total.</summary>
public sealed class HandshakeCapacityTests : PendingHandshakes
{
    // 20,000 half-open ones from as many networks leave room for honest clients: whoever comes gets in, whoever has waited longest goes.
    [Fact]
    public void Enter_TooManyInAll_TheOneThatWaitedLongestGivesWay()
    {
        var half = Enumerable.Range(0, 20_000).Select(i =>
        {
            _guard.Enter(Connection(out var link), IpKey.FromIpv4((uint)(0x0B000000 + (i << 8))));
            return link;
        }).ToList();
        Enter("203.0.113.1", out var honest);

        Assert.Equal((40, 20_001 - 40L), (_guard.Count, Cut("total")));
        Assert.Equal(Enumerable.Range(0, 20_000).Select(i => i < 20_001 - 40), half.Select(link => link.IsAborted));
        Assert.False(honest.IsAborted);
    }

    // A network full of addresses takes nothing from those who have less, however long they have waited.
    [Theory]
    [InlineData("2001:db8:0:{0:x}::1")]
    [InlineData("2001:db8:0:{0:x}00::1")]
    [InlineData("11.0.0.{0}")]
    public void Enter_TooManyInAll_WhoeverHasMostGivesWay(string attacker)
    {
        var honest = Enumerable.Range(0, 10).Select(i => Enter($"203.0.{i}.1", out _)).ToList();
        var half = Enumerable.Range(0, 2_000).Select(i => Enter(string.Format(CultureInfo.InvariantCulture, attacker, i / 2 % 200), out _)).ToList();
        honest.Add(Enter("203.0.113.1", out _));

        Assert.DoesNotContain(honest, link => link.IsAborted);
        Assert.Equal(40, _guard.Count);
        Assert.Equal(half.Count - (40 - honest.Count), half.Count(link => link.IsAborted));
    }

    // Half of what there may be, gone, and come again: who has how many is right at any time.
    [Fact]
    public void Enter_TooManyAgain_WhoeverHasMostThenGivesWay()
    {
        for (var round = 0; round < 3; round++)
        {
            var quiet = Enumerable.Range(0, 20).Select(i => Enter($"203.0.{i}.1", out _)).ToList();
            var busy = Enumerable.Range(0, 60).Select(i => Enter($"11.0.{round}.{i % 30}", out _)).ToList();
            Assert.DoesNotContain(quiet, link => link.IsAborted);
            Assert.Equal(40, busy.Count(link => link.IsAborted));
            quiet.Concat(busy).ToList().ForEach(link => link.FinishHandshake());
            Assert.Equal(0, _guard.Count);
        }
    }

    [Theory]
    [InlineData(1_000_000, 40)]
    [InlineData(100, 25)]
    [InlineData(3, 1)]
    public void FitInto_FewFiles_TakesAQuarterOfThem(int files, int most)
    {
        _guard.FitInto(files);

        Assert.Equal(most, _guard.Max);
    }

    [Fact]
    public void Max_LittleMemory_IsAQuarterOfTheBudget()
    {
        var guard = new HandshakeGuard(_options, _policies, _gate, new MemoryBudget(12 * 4 * HandshakeGuard.PendingBytes), _time);
        guard.FitInto(1_000_000);

        Assert.Equal(12, guard.Max);
    }

    [Fact]
    public void ResetOne_Nobody_DoesNothing()
    {
        _guard.ResetOne();
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.2", out var second);
        _guard.ResetOne();

        Assert.Equal((true, false, 1), (first.IsAborted, second.IsAborted, _guard.Count));
    }
}
