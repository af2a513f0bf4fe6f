using CsCheck;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation.Gossip;

/// <summary>Who is a member of the federation, as one server sees it.</summary>
public sealed class MembershipTests
{
    private readonly MembershipFixture _fixture = new();

    [Fact]
    public void LinkUp_NewServer_IsAliveOwnsItsPartAndIsGreeted()
    {
        _fixture.Link(1);

        Assert.Equal(MemberState.Alive, _fixture.StateOf(1));
        Assert.Equal([MembershipFixture.Self.ServerId, MembershipFixture.Servers[1].ServerId], _fixture.Membership.Owners().Select(owner => owner.ServerId));
        var actions = _fixture.Take();
        Assert.Contains(new MemberChanged(MembershipFixture.Servers[1].ServerId, MemberState.Unknown, MemberState.Alive, "it has a link"), actions);
        Assert.IsType<Join>(Assert.Single(actions.OfType<SendGossip>()).Body);
        Assert.Single(actions.OfType<OwnersChanged>());
    }

    [Theory]
    [InlineData("ws://127.0.0.1:9000")]
    [InlineData("wss://s0.example/")]
    [InlineData("wss://s2.example")]
    public void LinkUp_EndpointThatIsPrivateOursOrAnothers_OwnsNothing(string endpoint)
    {
        _fixture.Link(2);
        _fixture.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(_fixture.Membership.LinkUp(1, MembershipFixture.Servers[1].ServerId, endpoint, ""));

        Assert.Equal(MemberState.Alive, _fixture.StateOf(1));
        Assert.DoesNotContain(_fixture.Membership.Owners(), owner => owner.ServerId == MembershipFixture.Servers[1].ServerId);
    }

    [Fact]
    public void LinkDown_OfALinkThatWasReplaced_ChangesNothing()
    {
        _fixture.Link(1);
        Assert.True(_fixture.Membership.LinkUp(100, MembershipFixture.Servers[1].ServerId, MembershipFixture.Servers[1].Endpoint, ""));
        _fixture.Take();

        _fixture.Membership.LinkDown(1);

        Assert.Equal(MemberState.Alive, _fixture.StateOf(1));
        Assert.Empty(_fixture.Take());
        Assert.Equal(GossipOutcome.UnknownLink, _fixture.Membership.Receive(1, _fixture.MessageOf(1, new Ping())));
    }

    [Fact]
    public void LinkDown_NobodyToAsk_FailsAfterTheSuspicionTime()
    {
        _fixture.Link(1);

        _fixture.Membership.LinkDown(1);
        Assert.Equal(MemberState.Suspect, _fixture.StateOf(1));
        _fixture.Run(GossipLimits.SuspicionTimeout + GossipLimits.TickInterval);

        Assert.Equal(MemberState.Failed, _fixture.StateOf(1));
        Assert.Equal([MembershipFixture.Self.ServerId], _fixture.Membership.Owners().Select(owner => owner.ServerId));
        Assert.Contains(new DialTarget(MembershipFixture.Servers[1].ServerId, MembershipFixture.Servers[1].Endpoint), _fixture.Membership.ToDial());
    }

    [Fact]
    public void Suspicion_OfUs_IsRefutedByAGreaterNumberOnceASecond()
    {
        _fixture.Link(1);
        _fixture.Take();

        _fixture.Receive(1, new Suspicion(MembershipFixture.Self.ServerId, 3));
        _fixture.Receive(1, new Suspicion(MembershipFixture.Self.ServerId, 10));

        Assert.Equal(new PingAck(4), Assert.Single(_fixture.Take().OfType<SendGossip>()).Body);
        Assert.Equal(4, _fixture.Membership.Incarnation);
        _fixture.Time.Advance(GossipLimits.RefuteInterval);
        _fixture.Receive(1, new Confirmation(MembershipFixture.Self.ServerId));
        Assert.Equal(5, _fixture.Membership.Incarnation);
        Assert.Equal(5, Assert.Single(_fixture.Take().OfType<SendGossip>()).Mentions[0].Incarnation);
    }

    [Fact]
    public void Suspicion_OfUsWithAHugeNumber_RaisesItByABoundedStep()
    {
        _fixture.Link(1);

        _fixture.Receive(1, new Suspicion(MembershipFixture.Self.ServerId, GossipLimits.MaxIncarnation));

        Assert.Equal(GossipLimits.MaxIncarnationStep, _fixture.Membership.Incarnation);
    }

    [Fact]
    public void Leave_OfItself_EndsItsLinkAndWhatOthersSayOfItIsNotHeededForAWhile()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Take();

        Assert.Equal(GossipOutcome.Accepted, _fixture.Receive(1, new Leave(MembershipFixture.Servers[1].ServerId)));

        Assert.Equal(MemberState.Left, _fixture.StateOf(1));
        Assert.Contains(new CloseLink(1, MemberState.Left), _fixture.Take());
        _fixture.Receive(2, MembershipFixture.Sync(1));
        Assert.Equal(MemberState.Left, _fixture.StateOf(1));
        Assert.DoesNotContain(_fixture.Membership.ToDial(), target => target.ServerId == MembershipFixture.Servers[1].ServerId);
        _fixture.Time.Advance(GossipLimits.LeftQuiet);
        _fixture.Receive(2, MembershipFixture.Sync(1));
        Assert.Contains(_fixture.Membership.ToDial(), target => target.ServerId == MembershipFixture.Servers[1].ServerId);
    }

    [Fact]
    public void Members_InventedByOne_DisplaceItsOwnInventionsOnly()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        var invented = FederationModel.Servers(1500)[10..];
        _fixture.Receive(2, MembershipFixture.Sync(3, 4, 5));
        for (var i = 0; i < invented.Length; i += 500)
        {
            _fixture.Receive(1, new StateSync([.. invented.Skip(i).Take(500).Select(MembershipFixture.RecordOf)]));
        }

        Assert.Equal(GossipLimits.MaxMembers, _fixture.Membership.Snapshot().Count);
        Assert.Equal([MemberState.Alive, MemberState.Unknown, MemberState.Unknown, MemberState.Unknown], Enumerable.Range(2, 4).Select(_fixture.StateOf));
        _fixture.Receive(2, MembershipFixture.Sync(6));
        Assert.Equal(MemberState.Unknown, _fixture.StateOf(6));
        Assert.True(_fixture.Membership.LinkUp(7, MembershipFixture.Servers[7].ServerId, MembershipFixture.Servers[7].Endpoint, ""));
        Assert.Equal(GossipLimits.MaxMembers, _fixture.Membership.Snapshot().Count);
    }

    [Fact]
    public void Members_NobodyMentionsAnyMore_AreForgotten()
    {
        _fixture.Link(1);
        _fixture.Receive(1, MembershipFixture.Sync(2));
        Assert.Null(_fixture.Membership.Discover(MembershipFixture.Servers[3].ServerId, MembershipFixture.Servers[3].Endpoint));
        _fixture.Run(TimeSpan.FromMinutes(12), answering: 1);

        Assert.Equal([MembershipFixture.Servers[1].ServerId], _fixture.Membership.Snapshot().Select(member => member.ServerId));
    }

    [Fact]
    public void Tick_AfterWeStoodStill_JudgesNobodyByIt()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Run(TimeSpan.FromSeconds(3), answering: 1, alsoAnswering: 2);
        _fixture.Time.Advance(TimeSpan.FromHours(1));

        _fixture.Run(TimeSpan.FromSeconds(10), answering: 1, alsoAnswering: 2);

        Assert.Empty(_fixture.Changes);
    }

    [Fact]
    public void Forget_ClosesTheLinkAndItMayComeAgain()
    {
        _fixture.Link(1);
        _fixture.Take();

        Assert.True(_fixture.Membership.Forget(MembershipFixture.Servers[1].ServerId));
        Assert.False(_fixture.Membership.Forget(MembershipFixture.Servers[1].ServerId));
        Assert.Contains(_fixture.Take(), action => action is CloseLink { Link: 1 });
        Assert.Empty(_fixture.Membership.Snapshot());
        Assert.True(_fixture.Membership.LinkUp(9, MembershipFixture.Servers[1].ServerId, MembershipFixture.Servers[1].Endpoint, ""));
    }

    [Fact]
    public void Leave_OfOurs_IsToldToAll()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Take();

        _fixture.Membership.Leave();

        Assert.Equal([new Leave(MembershipFixture.Self.ServerId), new Leave(MembershipFixture.Self.ServerId)], _fixture.Take().OfType<SendGossip>().Select(sent => sent.Body));
    }

    /// <summary>Whatever hostile members say, and however often: one that answers stays, and its endpoint is its own.</summary>
    [Fact]
    public void Receive_AnythingOfHostileMembers_LeavesALiveMemberAlive() =>
        Gen.Select(Gen.Int[2, 3], Gen.Int[0, 7], Gen.Int[0, 7], Gen.Long[0, 10]).Array[1, 200].Sample(words =>
        {
            var model = new MembershipFixture();
            model.Link(1);
            model.Link(2);
            model.Link(3);
            foreach (var (liar, what, about, number) in words)
            {
                var id = MembershipFixture.Servers[about].ServerId;
                model.Receive(liar, what switch
                {
                    0 => new Suspicion(id, number),
                    1 => new Confirmation(id),
                    2 when about != liar => new Leave(id),
                    3 => new Join(id, "", "wss://evil.example", "", ""),
                    4 => new StateSync([MembershipFixture.RecordOf(about) with { Status = MemberState.Failed, Incarnation = number, Endpoint = "wss://evil.example" }]),
                    5 => new PingAck(number, id),
                    6 => new PingRequest(id, Report: true),
                    _ => new Ping(),
                });
                model.Run(GossipLimits.TickInterval, answering: 1);
            }

            Assert.Equal(MemberState.Alive, model.StateOf(1));
            Assert.Equal(MembershipFixture.Servers[1].Endpoint, model.SnapshotOf(1).Endpoint);
            Assert.DoesNotContain(model.Changes, change => change.ServerId == MembershipFixture.Servers[1].ServerId);
        }, iter: 200);
}
