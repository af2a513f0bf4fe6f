using CsCheck;
using Relay.Federation.Gossip;

namespace Server.Tests.Federation.Gossip;

/// <summary>What messages of other servers do to one server, and how it answers.</summary>
public sealed class GossipHandlingTests
{
    private readonly MembershipFixture _fixture = new();

    [Fact]
    public void Ping_IsAnsweredWithOurIncarnation()
    {
        _fixture.Link(1);
        _fixture.Take();

        _fixture.Receive(1, new Ping());

        Assert.Equal(new PingAck(0), Assert.Single(_fixture.Take().OfType<SendGossip>()).Body);
    }

    [Fact]
    public void Join_OfItself_MovesItsEndpointAndIsAnsweredOnce()
    {
        _fixture.Link(1);
        _fixture.Take();

        _fixture.Receive(1, new Join(MembershipFixture.Servers[1].ServerId, "", "wss://moved.example", "", "eu"));
        _fixture.Receive(1, new Join(MembershipFixture.Servers[1].ServerId, "", "wss://moved.example", "", "eu"));

        var actions = _fixture.Take();
        Assert.Single(actions.OfType<SendGossip>(), sent => sent.Body is StateSync);
        Assert.Single(actions.OfType<OwnersChanged>());
        Assert.Equal(("wss://moved.example", "eu"), (_fixture.SnapshotOf(1).Endpoint, _fixture.SnapshotOf(1).Region));
    }

    [Fact]
    public void StateSync_OfUnknownServers_MakesUsLookAndNothingElse()
    {
        _fixture.Link(1);
        _fixture.Take();

        _fixture.Receive(1, MembershipFixture.Sync(2, 3));

        var actions = _fixture.Take();
        Assert.Equal([new LookAt(MembershipFixture.Servers[2].ServerId, MembershipFixture.Servers[2].Endpoint), new LookAt(MembershipFixture.Servers[3].ServerId, MembershipFixture.Servers[3].Endpoint)], actions.OfType<LookAt>());
        Assert.Equal(MemberState.Unknown, _fixture.StateOf(2));
        Assert.Equal(2, _fixture.Membership.Owners().Count);
        Assert.Empty(actions.OfType<OwnersChanged>());
    }

    [Fact]
    public void StateSync_WithBadEndpointsAndIds_IsNotHeeded()
    {
        _fixture.Link(1);
        _fixture.Take();

        _fixture.Receive(1, new StateSync(
        [
            MembershipFixture.RecordOf(2) with { Endpoint = "ws://169.254.169.254" },
            MembershipFixture.RecordOf(3) with { Endpoint = "wss://s0.example" },
            MembershipFixture.RecordOf(4) with { ServerId = "ed25519:nonsense" },
            MembershipFixture.RecordOf(0) with { Endpoint = "wss://elsewhere.example" },
        ]));

        Assert.Empty(_fixture.Take().OfType<LookAt>());
        Assert.Single(_fixture.Membership.Snapshot());
        Assert.Equal(MembershipFixture.Self.Endpoint, _fixture.Membership.Owners()[0].Endpoint);
    }

    [Fact]
    public void StateSync_EchoedForEver_IsAnsweredOncePerTenSeconds()
    {
        _fixture.Link(1);
        _fixture.Take();
        var answers = 0;
        for (var i = 0; i < 240; i++)
        {
            // A server of the other make: it answers everything of this kind at once.
            _fixture.Receive(1, MembershipFixture.Sync(1));
            answers += _fixture.Take().OfType<SendGossip>().Count(sent => sent.Body is StateSync);
            _fixture.Time.Advance(TimeSpan.FromSeconds(0.25));
        }

        Assert.Equal(6, answers);
    }

    [Fact]
    public void StateSync_Answer_HasWhatTheOtherDidNotName()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Link(3);
        _fixture.Take();

        _fixture.Receive(1, MembershipFixture.Sync(1, 2));

        var answer = Assert.IsType<StateSync>(Assert.Single(_fixture.Take().OfType<SendGossip>()).Body);
        Assert.Equal([MembershipFixture.Self.ServerId, MembershipFixture.Servers[3].ServerId], answer.Members.Select(member => member.ServerId));
    }

    [Fact]
    public void Sync_OfManyMembers_HasPagesBelowTheFrameLimit()
    {
        var many = FederationModel.Servers(300);
        for (var i = 1; i < many.Length; i++)
        {
            _fixture.Membership.LinkUp(i, many[i].ServerId, $"{many[i].Endpoint}/{new string('x', 400)}", "eu");
        }

        _fixture.Take();
        _fixture.Receive(1, new Join(many[1].ServerId, "", $"{many[1].Endpoint}/{new string('x', 400)}", "", "eu"));

        var pages = _fixture.Take().OfType<SendGossip>().Where(sent => sent.Body is StateSync).ToList();
        var writer = new GossipWriter(new PeerSigner().Identity, _fixture.Time);
        Assert.InRange(pages.Count, 5, 10);
        Assert.All(pages, page => Assert.InRange(writer.Write(page).Length, 1, 64 * 1024));
        Assert.Equal(300, pages.SelectMany(page => ((StateSync)page.Body).Members).DistinctBy(member => member.ServerId).Count());
    }

    [Fact]
    public void Receive_NumberThatWasThere_IsRefused()
    {
        _fixture.Link(1);

        Assert.Equal(GossipOutcome.Accepted, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 10, new Ping(), [])));
        Assert.Equal(GossipOutcome.Replayed, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 10, new Ping(), [])));
        Assert.Equal(GossipOutcome.Accepted, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 9, new Ping(), [])));
        Assert.Equal(GossipOutcome.Accepted, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 1000, new Ping(), [])));
        Assert.Equal(GossipOutcome.Replayed, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 900, new Ping(), [])));
        Assert.Equal(GossipOutcome.Replayed, _fixture.Membership.Receive(1, new GossipMessage(MembershipFixture.Servers[1].ServerId, 0, new Ping(), [])));
    }

    [Fact]
    public void Receive_InAnothersName_IsRefused()
    {
        _fixture.Link(1);
        _fixture.Link(2);

        Assert.Equal(GossipOutcome.WrongSender, _fixture.Membership.Receive(1, _fixture.MessageOf(2, new Leave(MembershipFixture.Servers[2].ServerId))));
        Assert.Equal(GossipOutcome.NotItsWord, _fixture.Receive(1, new Leave(MembershipFixture.Servers[2].ServerId)));
        Assert.Equal(GossipOutcome.NotItsWord, _fixture.Receive(1, new Join(MembershipFixture.Servers[2].ServerId, "", "wss://evil.example", "", "")));
        Assert.Equal((MemberState.Alive, MembershipFixture.Servers[2].Endpoint), (_fixture.StateOf(2), _fixture.SnapshotOf(2).Endpoint));
    }

    [Theory]
    [InlineData("ping", GossipLimits.MessagesPerMinute)]
    [InlineData("state_sync", GossipLimits.SyncsPerMinute)]
    [InlineData("suspect", GossipLimits.AccusationsPerMinute)]
    public void Receive_MoreThanTheRate_IsNotHandled(string kind, int rate)
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Take();
        GossipBody body = kind switch { "ping" => new Ping(), "suspect" => new Suspicion(MembershipFixture.Servers[2].ServerId, 0), _ => MembershipFixture.Sync(1) };

        Assert.All(Enumerable.Range(0, rate), _ => Assert.Equal(GossipOutcome.Accepted, _fixture.Receive(1, body)));
        _fixture.Take();
        Assert.Equal(GossipOutcome.RateLimited, _fixture.Receive(1, body));
        Assert.Empty(_fixture.Take());
    }

    [Fact]
    public void PingRequest_WithReport_IsAnsweredWhenTheTargetAnswers()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Take();

        _fixture.Receive(1, new PingRequest(MembershipFixture.Servers[2].ServerId, Report: true));
        Assert.Equal((2, new Ping()), _fixture.Take().OfType<SendGossip>().Select(sent => (sent.Link, sent.Body)).Single());
        _fixture.Receive(2, new PingAck(0));

        Assert.Equal((1, new PingAck(0, MembershipFixture.Servers[2].ServerId)), _fixture.Take().OfType<SendGossip>().Select(sent => (sent.Link, sent.Body)).Single());
    }

    [Fact]
    public void Report_ThatNobodyWasAskedFor_KeepsNobodyAlive()
    {
        _fixture.Link(1);
        _fixture.Membership.LinkDown(1);
        _fixture.Link(2);
        _fixture.Receive(2, new PingAck(0, MembershipFixture.Servers[1].ServerId));
        _fixture.Run(GossipLimits.SuspicionTimeout + GossipLimits.TickInterval, answering: 2);

        Assert.Equal(MemberState.Failed, _fixture.StateOf(1));
    }

    [Fact]
    public void Report_ForAMemberWithoutALink_KeepsItForHalfAMinuteAtMost()
    {
        _fixture.Link(1);
        _fixture.Link(2);
        _fixture.Membership.LinkDown(1);
        _fixture.Run(TimeSpan.FromSeconds(20), answering: 2, reporting: 1);
        Assert.Equal(MemberState.Alive, _fixture.StateOf(1));
        Assert.DoesNotContain(_fixture.Membership.Owners(), owner => owner.ServerId == MembershipFixture.Servers[1].ServerId);
        _fixture.Run(TimeSpan.FromSeconds(15), answering: 2, reporting: 1);

        Assert.Equal(MemberState.Failed, _fixture.StateOf(1));
    }
}
