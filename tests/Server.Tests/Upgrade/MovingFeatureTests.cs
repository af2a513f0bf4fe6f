using CsCheck;
using Relay.Channels;
using Relay.Clients;
using Relay.Cluster;
using Relay.Memory;
using Relay.Protocol;
using Relay.Protocol.Moving;
using Relay.Relays;
using Relay.Signaling;
using Server.Tests.Support;

namespace Server.Tests.Upgrade;

/// <summary>What features know of clients is the same in another process, later by nothing.</summary>
public sealed class MovingFeatureTests : IDisposable
{
    private readonly MovingServer _old = new();
    private readonly MovingServer _new = new(MovingServer.LaterTime());

    public void Dispose()
    {
        _old.Dispose();
        _new.Dispose();
    }

    [Fact]
    public void Clients_NamesAndRates_AreKept()
    {
        var (from, to) = (Names(_old), Names(_new));
        var (first, second, third) = (_old.Connect(1), _old.Connect(2), _old.Connect(3));
        from.Directory.ClaimCode(first, "AAAAAA", "key a", out _);
        from.Directory.ClaimPeerId(first, "peer", "key p", out _);
        from.Directory.ClaimPeerId(second, "keyless", null, out _);
        from.Directory.ClaimCode(third, "CCCCCC", "key c", out _);
        var gone = _old.Connect(4);
        from.Directory.ClaimCode(gone, "DDDDDD", "key d", out _);
        from.Directory.Release(gone);
        _old.Time.Advance(TimeSpan.FromSeconds(20));
        for (var i = 0; i < 105; i++)
        {
            first.CountMessage(_old.Options, _old.Time.GetTimestamp(), _old.Time);
        }

        second.HoldsTokens = true;
        gone.Session.Depart();
        var arrivals = _new.Read(_old.Write([third], from.Move), to.Move);

        Assert.True(to.Directory.TryFindCode("AAAAAA", out var moved));
        Assert.Equal((first.Session.Id, "peer", "key a", "key p", true), (moved.Session.Id, moved.PeerId, moved.PublicKey, moved.PeerKey, moved.Session.IsRegistered));
        var other = arrivals.ClientOf(second.Session.Id)!;
        Assert.Equal(("keyless", null, true), (other.PeerId, other.PeerKey, other.HoldsTokens));
        Assert.Equal(MessageRate.Throttled, moved.CountMessage(_new.Options, _new.Time.GetTimestamp(), _new.Time));
        Assert.Equal(MessageRate.Allowed, other.CountMessage(_new.Options, _new.Time.GetTimestamp(), _new.Time));

        // Who has stayed, and who was gone before: their names are held, for as long as is left.
        var next = _new.Connect(5);
        Assert.Equal(Claim.HeldByAnother, to.Directory.ClaimCode(next, "CCCCCC", "another", out _));
        Assert.Equal(Claim.HeldByAnother, to.Directory.ClaimCode(next, "DDDDDD", "another", out _));
        _new.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Claim.Taken, to.Directory.ClaimCode(next, "DDDDDD", "another", out _));
        Assert.Equal(Claim.HeldByAnother, to.Directory.ClaimCode(_new.Connect(6), "CCCCCC", "another", out _));
        Assert.Equal(Claim.Taken, to.Directory.ClaimCode(_new.Connect(7), "CCCCCC", "key c", out _));
    }

    /// <summary>Any requests, of clients of whom some stay: those of the others wait in the same order, and are as old.</summary>
    [Fact]
    public void Requests_AnyThatWait_WaitThereInTheSameOrder() =>
        Gen.Select(Gen.Int[0, 1], Gen.Int[0, 4], Gen.Int[0, 4], Gen.Int[0, 2]).Array[0, 40].Sample(
            operations =>
            {
                using var old = new MovingServer();
                using var next = new MovingServer(MovingServer.LaterTime());
                var (from, to) = (Requests(old), Requests(next));
                var clients = Enumerable.Range(1, 5).Select(number => old.Connect(number)).ToArray();
                foreach (var (kind, asking, asked, seconds) in operations)
                {
                    from.Pending.TryAdd(RequestOf((RequestKind)kind, clients[asking], clients[asked]), out _);
                    if (seconds == 2)
                    {
                        from.Pending.TakeNextToShow(clients[asked]);
                    }

                    old.Time.Advance(TimeSpan.FromSeconds(seconds * 20));
                    while (from.Pending.TakeExpired() is not null || from.Pending.TakeExpiring() is not null)
                    {
                    }
                }

                var saved = from.Pending.Save(new MovedTime(old.Time));
                next.Read(old.Write([], from.Move), to.Move);

                Assert.Equal(saved, to.Pending.Save(new MovedTime(next.Time)));
            },
            iter: 200);

    [Fact]
    public void Requests_OneOfTwoHasStayed_TheOtherIsToldThatItHasLeft()
    {
        var (from, to) = (Requests(_old), Requests(_new));
        var (a, b, c, stays) = (_old.Connect(1), _old.Connect(2), _old.Connect(3), _old.Connect(4));
        from.Pending.TryAdd(RequestOf(RequestKind.Pair, a, stays), out _);
        from.Pending.TryAdd(RequestOf(RequestKind.Pair, stays, a), out _);
        from.Pending.TryAdd(RequestOf(RequestKind.Link, stays, b), out _);
        from.Pending.TryAdd(RequestOf(RequestKind.Link, c, b), out _);
        from.Pending.TakeNextToShow(b);

        _new.Read(_old.Write([stays], from.Move), to.Move);

        Assert.Equal((0, 1), (to.Pending.Count(RequestKind.Pair), to.Pending.Count(RequestKind.Link)));
        Assert.Contains("pair_timeout", Assert.Single(_new.SentTo(a)), StringComparison.Ordinal);
        var phone = _new.SentTo(b);
        Assert.Equal(2, phone.Count);
        Assert.Contains("link_timeout", phone[0], StringComparison.Ordinal);
        Assert.Contains("link_request", phone[1], StringComparison.Ordinal);
        Assert.Empty(_new.SentTo(c));
    }

    [Fact]
    public void Matches_OfThoseWhoMoved_AreKeptInTheirOrder()
    {
        var (from, to) = (Requests(_old), Requests(_new));
        var (a, b, c, stays) = (_old.Connect(1), _old.Connect(2), _old.Connect(3), _old.Connect(4));
        from.Matches.Add(a, stays);
        from.Matches.Add(a, c);
        from.Matches.Add(a, b);

        var arrivals = _new.Read(_old.Write([stays], from.Move), to.Move);

        var moved = new[] { a, b, c }.Select(client => arrivals.ClientOf(client.Session.Id)!).ToArray();
        Assert.Equal(2, to.Matches.Count);
        Assert.True(to.Matches.Allows(moved[0], moved[1]) && to.Matches.Allows(moved[2], moved[0]));
        Assert.False(to.Matches.Allows(moved[1], moved[2]));
        Assert.Equal([c.Session.Id, b.Session.Id], to.Matches.Save().Single(own => own.Session == a.Session.Id).Partners);
    }

    [Fact]
    public void Relays_ThoseThatMoved_AreOffered()
    {
        var (from, to) = (new RelayRegistry(new RelayOptions(), _old.Time, new SeededRandom(1)), new RelayRegistry(new RelayOptions(), _new.Time, new SeededRandom(1)));
        var (free, busy, stays) = (_old.Connect(1), _old.Connect(2), _old.Connect(3));
        from.Register(free, free.Session.Key, "free", "key", 20);
        from.Register(busy, busy.Session.Key, "busy", null, 10);
        from.TryUpdateLoad(busy, "busy", 9);
        from.Register(stays, stays.Session.Key, "stays", null, 10);
        _old.Time.Advance(TimeSpan.FromSeconds(30));

        var arrivals = _new.Read(_old.Write([stays], new RelaysMove(from)), new RelaysMove(to));

        Assert.Equal(new RelayCounts(2, 1), to.Counts());
        Assert.Equal(["free"], to.Choose(10, null, null).Select(offer => offer.PeerId));
        Assert.All(to.Snapshot(), relay => Assert.Equal(TimeSpan.FromSeconds(30), _new.Time.GetUtcNow() - relay.LastSeen));
        Assert.True(to.TryUpdateLoad(arrivals.ClientOf(busy.Session.Id)!, "busy", 1));
        Assert.Equal(2, to.Counts().Offered);
    }

    [Fact]
    public void Channels_MembersStreamsAndWhatWaits_AreKept()
    {
        var (from, to) = (Channels(_old), Channels(_new));
        var (owner, subscriber, stays) = (_old.Connect(1), _old.Connect(2), _old.Connect(3));
        from.Table.Own(owner, "own");
        from.Table.Subscribe(subscriber, "own");
        from.Table.Subscribe(stays, "own");
        from.Streams.TryJoin(subscriber, "own", null, out _);
        from.Streams.TryStart(owner, "own", new LiveStream("live", "title", owner.Session.Key), out _, out _);
        from.Table.Own(stays, "lost");
        from.Table.Subscribe(subscriber, "lost");
        from.Streams.TryJoin(subscriber, "lost", null, out _);
        from.Streams.TryStart(stays, "lost", new LiveStream("lost stream", null, stays.Session.Key), out _, out _);
        from.Table.Subscribe(subscriber, "away");
        foreach (var message in new[] { "1", "2", "3" })
        {
            from.Upstream.Add("away", subscriber.Session.Key, new SharedMessage(EncodedMessage.CopyOf(System.Text.Encoding.ASCII.GetBytes(message))));
            _old.Time.Advance(TimeSpan.FromMinutes(1));
        }

        var arrivals = _new.Read(_old.Write([stays], from.Move), to.Move);

        var moved = (Owner: arrivals.ClientOf(owner.Session.Id)!, Subscriber: arrivals.ClientOf(subscriber.Session.Id)!);
        Assert.Equal(moved.Owner, to.Table.OwnerOf("own"));
        Assert.Equal([moved.Subscriber], to.Table.Subscribers("own"));
        Assert.NotNull(to.Streams.FindLive(moved.Owner, "own", out _));
        Assert.Null(to.Table.OwnerOf("lost"));
        var counts = to.Table.Counts();
        Assert.Equal((3, 1, 1, 3, 3), (counts.Channels, counts.Owned, counts.Live, counts.Subscriptions, counts.Waiting));
        Assert.True(moved.Owner.Session.IsRegistered && moved.Subscriber.Session.IsRegistered);
        Assert.Contains("lost stream", Assert.Single(_new.SentTo(subscriber)), StringComparison.Ordinal);
        Assert.Equal(["1", "2", "3"], to.Table.Save(AllOf(_new)).Single(channel => channel.Id == "away").Waiting.Select(waiting => waiting.Message.ToStringUtf8()));

        // The first has waited for three minutes of five.
        _new.Time.Advance(TimeSpan.FromMinutes(2));
        to.Upstream.Expire();
        Assert.Equal(2, to.Upstream.Count);
    }

    private static PendingRequest RequestOf(RequestKind kind, Client from, Client to) => new()
    {
        Kind = kind,
        From = from,
        FromCode = "AAAAAA",
        FromKey = "key",
        FromAddress = from.Session.Key,
        To = to,
        ToCode = "BBBBBB",
        DeviceName = "device",
    };

    private static (ClientDirectory Directory, ClientsMove Move) Names(MovingServer server)
    {
        var directory = new ClientDirectory(new ClientOptions(), server.Time);
        return (directory, new ClientsMove(server.Sessions, directory, server.Options, new ClientRates((10, 30))));
    }

    private static (PendingRequests Pending, MatchTable Matches, SignalingMove Move) Requests(MovingServer server)
    {
        var options = new SignalingOptions { RequireMatch = true, PendingPerTarget = 100 };
        var pending = new PendingRequests(options, server.Time);
        var matches = new MatchTable(options);
        var remote = new RemoteRequests(new ClusterOptions(), null!, null!, matches, options, server.Time);
        var outcomes = new RequestOutcomes(matches, remote, null!, null!, options);
        var links = new LinkHandler(new ClientDirectory(new ClientOptions(), server.Time), pending, outcomes, remote, options, server.Time);
        return (pending, matches, new SignalingMove(pending, matches, new PairRequestRate(options, server.Time), links, outcomes));
    }

    private static (ChannelTable Table, StreamTable Streams, UpstreamQueue Upstream, ChannelsMove Move) Channels(MovingServer server)
    {
        var (options, directory) = (new ChannelOptions(), new ChannelDirectory(server.Time));
        var streams = new StreamTable(directory);
        var upstream = new UpstreamQueue(directory, options, server.Options, MemoryBudget.Unlimited, server.Time);
        var table = new ChannelTable(directory, streams, upstream, options);
        var alone = new ChannelBus(new ClusterOptions(), null!, null!, null!);
        return (table, streams, upstream, new ChannelsMove(table, upstream, new UpstreamDelivery(upstream, new RemoteUpstream(directory, alone, server.Options))));
    }

    private static Departure AllOf(MovingServer server)
    {
        var departure = new Departure(new MovedTime(server.Time), new HashSet<long>(), (_, _) => { });
        foreach (var session in server.Sessions.All)
        {
            departure.Write(session.Save(departure.Time), -1);
        }

        return departure;
    }
}
