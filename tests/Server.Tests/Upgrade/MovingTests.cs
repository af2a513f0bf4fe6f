using CsCheck;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Channels;
using Relay.Clients;
using Relay.Cluster;
using Relay.Events;
using Relay.Memory;
using Relay.Protocol;
using Relay.Protocol.Moving;
using Relay.RateLimiting;
using Relay.Relays;
using Relay.Scheduling;
using Relay.Signaling;
using Relay.Transport;
using Server.Tests.Admission;
using Server.Tests.Support;

namespace Server.Tests.Upgrade;

/// <summary>What features know of clients is the same in another process, later by nothing.</summary>
public sealed class MovingTests : IDisposable
{
    // The other process' clock has another beginning.
    private static readonly TimeSpan Later = TimeSpan.FromDays(400);

    private readonly MovingServer _old = new();
    private readonly MovingServer _new = new(LaterTime());

    public void Dispose()
    {
        _old.Dispose();
        _new.Dispose();
    }

    [Fact]
    public void Times_OfAnotherProcess_AreAsOld() => Gen.Long[0, TimeSpan.FromDays(300).Ticks].Sample(ticks =>
    {
        var (old, next) = (new FakeTimeProvider(), LaterTime());
        old.Advance(TimeSpan.FromDays(300));
        var (from, to) = (new MovedTime(old), new MovedTime(next));
        var timestamp = from.Now - ticks;

        var moved = to.TimestampOf(from.AgeOf(timestamp));
        Assert.Equal(Math.Max(ticks, 1), next.GetElapsedTime(moved, to.Now).Ticks);
        Assert.Equal(ticks, next.GetElapsedTime(to.Now, to.After(from.RemainingOf(from.Now + ticks))).Ticks);
        Assert.Equal((0L, 0L), (from.AgeOf(0L), to.TimestampOf(0)));
    });

    [Fact]
    public void Bucket_OfAnotherProcess_HasAsMuch()
    {
        var bucket = default(TokenBucket);
        Assert.True(bucket.TryTake(7, 10, TimeSpan.FromMinutes(1), _old.Time));
        _old.Time.Advance(TimeSpan.FromSeconds(12));
        var now = _old.Time.GetTimestamp();
        var moved = TokenBucket.Of(bucket.TakenOf(10, TimeSpan.FromMinutes(1), now, _old.Time), _new.Time.GetTimestamp());

        Assert.False(moved.TryTake(5.1, 10, TimeSpan.FromMinutes(1), _new.Time));
        Assert.True(moved.TryTake(4.9, 10, TimeSpan.FromMinutes(1), _new.Time));
    }

    [Fact]
    public async Task Session_WithAQueueAndHalfAMessage_GoesOn()
    {
        var session = _old.Create(_old.Sessions.NextId(), IpKey.FromIpv4(7), out var connection);
        connection.Open(session);
        _old.Time.Advance(TimeSpan.FromSeconds(3));
        await connection.Owner.OnBytesAsync(RawFrame(0x81, "one"));
        await connection.Owner.OnBytesAsync(RawFrame(0x01, "begun, "));
        connection.IsSlow = true;
        session.Send(EncodedMessage.CopyOf("on its way"u8));
        session.Send(EncodedMessage.CopyOf("asked"u8));
        session.Pass(EncodedMessage.CopyOf("unasked"u8), IpKey.FromIpv4(9));
        session.TryStream(EncodedMessage.CopyOf("frame"u8));
        session.Send(EncodedMessage.Pong("pong"u8));
        var state = session.Save(new MovedTime(_old.Time));

        var moved = _new.Create(state.Session, session.Address, out var there);
        moved.Restore(MovedClient.Parser.ParseFrom(state.ToByteArray()), new MovedTime(_new.Time));
        there.Adopt(moved);
        Assert.Equal(state, moved.Save(new MovedTime(_new.Time)));
        Assert.Empty(there.Sent);
        moved.Send(EncodedMessage.CopyOf("later"u8));
        moved.Arrive();
        Assert.Equal(["asked", "unasked", "frame", "pong", "later"], there.Sent);
        Assert.Equal((1, 1), (_new.Sessions.Count, _new.Sessions.All.Count()));
        await there.Owner.OnBytesAsync(RawFrame(0x80, "ended"));
        Assert.Equal((2L, 15L), (moved.MessagesReceived, moved.BytesReceived));

        session.Depart();
        session.Send(EncodedMessage.CopyOf("nobody gets this"u8));
        Assert.Equal((0, true), (_old.Sessions.Count, session.IsClosing));
        Assert.Empty(connection.Sent);
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
                using var next = new MovingServer(LaterTime());
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

    [Fact]
    public void Ledger_LeasesAndRates_AreKeptWhateverTheLimitIs()
    {
        var old = new Books(total: 100, perIp: 10, configure: options => options.ConnectRatePerIp = "6/m burst 5");
        var next = new Books(total: 100, perIp: 2, configure: options => options.ConnectRatePerIp = "6/m burst 5");
        for (var i = 0; i < 5; i++)
        {
            old.Take(1);
        }

        foreach (var rate in old.Ledger.SaveRates(new MovedTime(old.Time)))
        {
            Assert.True(next.Ledger.TryRestore(MovedRate.Parser.ParseFrom(rate.ToByteArray()), new MovedTime(next.Time)));
        }

        var leases = new List<AdmissionLease>();
        for (var i = 0; i < 5; i++)
        {
            Assert.Equal(Books.Key(1), next.Ledger.Restore(Books.Key(1), null, next.Time.GetTimestamp(), out var lease));
            leases.Add(lease);
        }

        Assert.Equal((5, 5), (next.Ledger.Total, next.Of(1)!.Value.Live));
        Assert.Equal(Refusal.PerIpLimit, next.Refused(1));
        leases.ForEach(lease => lease.Dispose());
        Assert.Equal(0, next.Ledger.Total);
        Assert.Equal(Refusal.RatePerIp, next.Refused(1));
        next.Time.Advance(TimeSpan.FromSeconds(10));
        next.Take(1);
    }

    [Fact]
    public void AutoBans_ViolationsAndBans_AreKept()
    {
        var (from, to) = (Bans(_old.Time), Bans(_new.Time));
        var (banned, near) = (IpKey.FromIpv4(0xCB007107), IpKey.FromIpv4(0xCB007108));
        for (var i = 0; i < 3; i++)
        {
            from.RecordViolation(banned);
        }

        from.RecordViolation(near);
        from.RecordViolation(near);
        _old.Time.Advance(TimeSpan.FromSeconds(1));
        foreach (var known in from.Save(new MovedTime(_old.Time)))
        {
            to.Restore(MovedViolations.Parser.ParseFrom(known.ToByteArray()), new MovedTime(_new.Time));
        }

        Assert.True(to.IsBanned(banned));
        Assert.False(to.IsBanned(near));
        to.RecordViolation(near);
        Assert.True(to.IsBanned(near));
        _new.Time.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1) - TimeSpan.FromTicks(1));
        Assert.True(to.IsBanned(banned));
        _new.Time.Advance(TimeSpan.FromTicks(1));
        Assert.False(to.IsBanned(banned));
    }

    [Fact]
    public async Task Standstill_NobodyPassesUntilItIsOver()
    {
        var standstill = new Standstill();
        await standstill.EnterAsync();
        standstill.Begin();
        Assert.False(standstill.IsReached);
        var later = standstill.EnterAsync().AsTask();
        standstill.Leave();
        Assert.True(standstill.IsReached);
        Assert.False(later.IsCompleted);

        standstill.End();
        await later.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(standstill.IsReached);
    }

    [Fact]
    public void Timers_Paused_RunNothingUntilTheyGoOn()
    {
        var time = new FakeTimeProvider();
        var (timers, runs) = (new PeriodicTimers(time), 0);
        using var work = timers.Start(TimeSpan.FromSeconds(1), () => runs++);
        timers.Pause();
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.Equal(0, runs);
        timers.Resume();
        time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, runs);
    }

    private static FakeTimeProvider LaterTime()
    {
        var time = new FakeTimeProvider();
        time.Advance(Later);
        return time;
    }

    private static byte[] RawFrame(int first, string text) => [(byte)first, (byte)(0x80 | text.Length), 0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(text)];

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

    private static AutoBans Bans(FakeTimeProvider time) => new(
        new AutoBanOptions { Threshold = 3, Duration = TimeSpan.FromMinutes(10) }, new ProtectedNetworks([]), new RelayEvents(time), time);

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
