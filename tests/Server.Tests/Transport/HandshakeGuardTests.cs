using System.Net;
using CsCheck;
using Relay.Addresses;
using Relay.Memory;
using Relay.Scheduling;
using Relay.TestKit;
using Relay.Transport;

namespace Server.Tests.Listening;

public sealed class HandshakeGuardTests : PendingHandshakes
{
    // 100 idle connections of an office do not lock it out: its oldest goes, and nobody else's.
    [Theory]
    [InlineData("203.0.113.1", 3)]
    [InlineData("203.0.113.50", 10)]
    [InlineData("203.0.113.51", 30)]
    public void Enter_OneAddress_HasRoomForSoManyAndThenItsOldestGoes(string address, int most)
    {
        Enter("203.0.113.2", out var other);
        var links = Enumerable.Range(0, 30).Select(_ => Enter(address, out var link)).ToList();

        Assert.Equal((most + 1, 30L - most), (_guard.Count, Cut("per_ip")));
        Assert.Equal(Enumerable.Range(0, 30).Select(i => i < 30 - most), links.Select(link => link.IsAborted));
        Assert.False(other.IsAborted);
    }

    [Fact]
    public void Enter_OneIpv6Network_CountsAsOneAddress()
    {
        var links = Enumerable.Range(0, 9).Select(i => Enter($"2001:db8::{i}", out _)).ToList();

        Assert.Equal((3, 6), (_guard.Count, links.Count(link => link.IsAborted)));
    }

    [Fact]
    public void Enter_AProxysConnections_CountOnlyInAll()
    {
        var links = Enumerable.Range(0, 30).Select(_ => EnterOfProxy()).ToList();

        Assert.Equal((30, 0), (_guard.Count, links.Count(link => link.IsAborted)));
    }

    [Fact]
    public void Identify_AProxysConnections_CountByTheirClients()
    {
        var links = Enumerable.Range(0, 9).Select(_ => EnterOfProxy()).ToList();
        foreach (var link in links[..5])
        {
            _guard.Identify(link, IpKey.From(IPAddress.Parse("203.0.113.1")));
        }

        Assert.Equal([true, true, false, false, false, false, false, false, false], links.Select(link => link.IsAborted));
        Assert.Equal((7, 2L), (_guard.Count, Cut("per_ip")));

        // Direct or through a proxy, it is one address, and once.
        _guard.Identify(links[2], IpKey.From(IPAddress.Parse("203.0.113.9")));
        Enter("203.0.113.1", out _);
        Assert.True(links[2].IsAborted);
    }

    [Fact]
    public void Identify_ConnectionIsGone_CountsNothing()
    {
        var link = EnterOfProxy();
        link.CloseSocket();
        _guard.Identify(link, IpKey.From(IPAddress.Parse("203.0.113.1")));

        Assert.Equal(0, _guard.Count);
    }

    [Fact]
    public void Sweep_AProxysClientIsLate_IsHeldAgainstTheClient()
    {
        foreach (var link in new[] { EnterOfProxy(), EnterOfProxy() })
        {
            _guard.Identify(link, IpKey.From(IPAddress.Parse("203.0.113.1")));
        }

        _time.Pass(_options.HandshakeTimeout + TimeSpan.FromSeconds(0.5));
        Assert.True(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }

    // Whatever comes and goes, in whatever order, nothing is left over and no address is over its bound.
    [Fact]
    public void Any_Sequence_CountsWhatIsThere() => Gen.Select(Gen.Int[0, 3], Gen.Int[0, 4], Gen.Int[0, 60]).Array[0, 200].Sample(steps =>
    {
        var memory = new MemoryBudget(1 << 30);
        var guard = new HandshakeGuard(_options, _policies, _gate, memory, _time);
        var links = new List<(Link Link, int Of)>();
        foreach (var (what, of, which) in steps)
        {
            var address = IpKey.FromIpv4((uint)(0x0B000000 + of));
            if (what < 2 || links.Count == 0)
            {
                Connection(out var link);
                guard.Enter(link, what == 0 ? address : null);
                links.Add((link, what == 0 ? of : -1));
            }
            else if (what == 2)
            {
                var index = which % links.Count;
                guard.Identify(links[index].Link, address);
                links[index] = (links[index].Link, links[index].Of < 0 ? of : links[index].Of);
            }
            else
            {
                guard.Leave(links[which % links.Count].Link);
            }
        }

        var pending = links.Where(link => link.Link.Handshake is not null).ToList();
        Assert.Equal(pending.Count, guard.Count);
        Assert.Equal(pending.Count * HandshakeGuard.PendingBytes, memory.Used);
        Assert.InRange(pending.Count, 0, 40);
        Assert.All(pending.Where(link => link.Of >= 0).CountBy(link => link.Of), count => Assert.InRange(count.Value, 1, 3));
        pending.ForEach(link => guard.Leave(link.Link));
        Assert.Equal(0, guard.Count);
        Assert.Equal(0, memory.Used);
    });

    [Fact]
    public void Leave_Finished_MakesRoomOnce()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out var second);
        Enter("203.0.113.1", out _);
        first.FinishHandshake();
        first.FinishHandshake();

        Enter("203.0.113.1", out _);
        Assert.False(second.IsAborted);
        Enter("203.0.113.1", out _);
        Assert.True(second.IsAborted);
        Assert.False(first.IsAborted);
    }

    // It has asked and is being answered: that it is not closed by now is not held against it.
    [Fact]
    public void Sweep_AnsweredAndNotClosed_IsCutAndNotBanned()
    {
        Enter("203.0.113.1", out var first).HasRequested = true;
        Enter("203.0.113.1", out var second).HasRequested = true;
        _time.Pass(_options.HandshakeTimeout + TimeSpan.FromSeconds(0.5));

        Assert.Equal((true, true), (first.IsAborted, second.IsAborted));
        Assert.False(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }

    [Fact]
    public void Stop_BeingAnswered_IsNotCut()
    {
        Enter("203.0.113.1", out var asked).HasRequested = true;
        Enter("203.0.113.1", out var half);
        _gate.State.TryStop();
        _time.Advance(TimeSpan.FromSeconds(0.25));

        Assert.Equal((false, true), (asked.IsAborted, half.IsAborted));
    }

    [Fact]
    public async Task DisposeAsync_ConnectionIsGone_MakesRoom()
    {
        Enter("203.0.113.1", out var first);
        first.CloseSocket();

        Assert.Equal(0, _guard.Count);
    }

    [Fact]
    public void Sweep_NoRequestInTime_IsCutAndHeldAgainstItsAddress()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out var second);
        _time.Pass(TimeSpan.FromSeconds(5));
        Enter("203.0.113.2", out var later);
        _time.Pass(_options.HandshakeTimeout - TimeSpan.FromSeconds(5.25));
        Assert.False(first.IsAborted);

        _time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.Equal((true, true, false), (first.IsAborted, second.IsAborted, later.IsAborted));
        Assert.Equal((1, 2L), (_guard.Count, Cut("timeout")));
        Assert.True(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }

    // A relay that was stopped has read nothing of what came meanwhile.
    [Fact]
    public void Sweep_AfterAStall_LeavesTimeForWhatWaits()
    {
        Enter("203.0.113.1", out var first);
        _time.Pass(TimeSpan.FromSeconds(1));
        _time.Advance(TimeSpan.FromMinutes(10));
        _time.Pass(SweepClock.Settling + _options.HandshakeTimeout - TimeSpan.FromSeconds(1.5));
        Assert.False(first.IsAborted);

        _time.Pass(TimeSpan.FromSeconds(1));
        Assert.Equal((true, 1L), (first.IsAborted, Cut("timeout")));
    }

    // An operator who does not count an address does not want it banned for what it does either.
    [Fact]
    public void Sweep_UnlimitedAddressIsLate_IsCutAndNotBanned()
    {
        Enter("203.0.113.51", out var first);
        Enter("203.0.113.51", out var second);
        _time.Pass(_options.HandshakeTimeout + TimeSpan.FromSeconds(0.5));

        Assert.Equal((true, true), (first.IsAborted, second.IsAborted));
        Assert.False(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.51"))));
    }

    [Fact]
    public void Stop_Unfinished_AreCutAndItIsNotHeldAgainstTheirAddress()
    {
        Enter("203.0.113.1", out var first);
        Enter("203.0.113.1", out var second);
        _gate.State.TryStop();
        _time.Advance(TimeSpan.FromSeconds(0.25));

        Assert.Equal((true, true, 0), (first.IsAborted, second.IsAborted, _guard.Count));
        Assert.False(_bans.IsBanned(IpKey.From(IPAddress.Parse("203.0.113.1"))));
    }
}
