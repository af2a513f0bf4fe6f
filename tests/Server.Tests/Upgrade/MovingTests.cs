using CsCheck;
using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Admission;
using Relay.Events;
using Relay.Protocol;
using Relay.Protocol.Moving;
using Relay.RateLimiting;
using Relay.Scheduling;
using Relay.Transport;
using Server.Tests.Admission;

namespace Server.Tests.Upgrade;

/// <summary>What the core knows of clients is the same in another process, later by nothing.</summary>
public sealed class MovingTests : IDisposable
{
    private readonly MovingServer _old = new();
    private readonly MovingServer _new = new(MovingServer.LaterTime());

    public void Dispose()
    {
        _old.Dispose();
        _new.Dispose();
    }

    [Fact]
    public void Times_OfAnotherProcess_AreAsOld() => Gen.Long[0, TimeSpan.FromDays(300).Ticks].Sample(ticks =>
    {
        var (old, next) = (new FakeTimeProvider(), MovingServer.LaterTime());
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

    private static byte[] RawFrame(int first, string text) => [(byte)first, (byte)(0x80 | text.Length), 0, 0, 0, 0, .. System.Text.Encoding.ASCII.GetBytes(text)];

    private static AutoBans Bans(FakeTimeProvider time) => new(
        new AutoBanOptions { Threshold = 3, Duration = TimeSpan.FromMinutes(10) }, new ProtectedNetworks([]), new RelayEvents(time), time);
}
