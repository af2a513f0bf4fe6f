using System.Net;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Memory;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Server.Tests.Sessions;

/// <summary>What sessions keep, in a budget of a mebibyte.</summary>
public sealed class SessionMemoryTests : IDisposable
{
    private const int Limit = 1 << 20;
    private const int Message = 262_144;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly RelayMetrics _metrics = new();
    private readonly SessionTable _table = new();
    private readonly MemoryBudget _memory = new(Limit);
    private readonly ConnectionTable _connections;
    private readonly SessionServices _services;
    private readonly MemoryReclaimer _reclaimer;
    private readonly List<CancellationTokenSource> _ends = [];
    private int _added;

    public SessionMemoryTests()
    {
        _connections = new ConnectionTable(new ClosingConnections(_time), _memory);
        _services = new SessionServices(new ClientSessionOptions { BytesBurst = 1 << 30 }, _table, _metrics, _time, NullLogger<Session>.Instance);
        _reclaimer = new MemoryReclaimer(_memory, _table, _time, NullLogger<MemoryReclaimer>.Instance);
    }

    public void Dispose()
    {
        _ends.ForEach(end => end.Dispose());
        _metrics.Dispose();
    }

    // A budget of less than nothing reports whatever is added to it.
    [Fact]
    public async Task Messages_WholeAndSentAtOnce_NeverTouchTheBudget()
    {
        var none = new MemoryBudget(-1);
        none.Exceeded += () => _added++;
        var socket = new KeepingConnection(new ConnectionTable(new ClosingConnections(_time), none), NewEnd());
        var session = new Session(1, default, default, socket, SilentHandler.Instance, _services);
        socket.Open(session);
        for (var i = 0; i < 100; i++)
        {
            Assert.True(await socket.SayAsync(FrameOpcode.Text, "hello"u8));
            Assert.True(await socket.SayAsync(FrameOpcode.Ping, "ping"u8));
            session.Send(EncodedMessage.CopyOf("answer"u8));
            using var shared = new SharedMessage(EncodedMessage.CopyOf("to many"u8));
            session.Send(shared.Share());
        }

        Assert.Equal(300, socket.Sent.Count);
        Assert.Equal((0, 0L), (_added, none.Used));

        // So that this test can fail: the first bytes of a message are kept.
        Assert.True(await socket.Owner.OnBytesAsync(Begun()[..100]));
        Assert.Equal((1, 128L), (_added, none.Used));
    }

    [Fact]
    public async Task Message_LongerThanTheBudgetHasRoomFor_WaitsAndOthersDoNot()
    {
        var (socket, session) = Open(1);
        var (other, _) = Open(2);
        await SayAsync(socket, Begun(), until: 100_000);
        Assert.Equal((131_072L, 131_072L), (_memory.Used, session.HeldBytes));
        _memory.Add(Limit - 131_072);

        var waiting = socket.Owner.OnBytesAsync(Begun()[100_000..140_000]).AsTask();
        Assert.False(waiting.IsCompleted);
        Assert.Equal((1, (long)Limit), (_memory.Waiting, _memory.Used));
        Assert.True(await other.SayAsync(FrameOpcode.Ping, "short"u8));
        Assert.Equal(["short"], other.Sent);

        _memory.Release(Limit - 131_072);
        Assert.True(await waiting.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.Equal((0, 262_144L), (_memory.Waiting, _memory.Used));
        await SayAsync(socket, Begun()[140_000..], until: Message);
        Assert.Equal(1, session.MessagesReceived);
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public async Task Message_TheLongestThereIs_TakesItsOwnSizeAndNoMore()
    {
        var (socket, session) = Open(1);
        var frame = Begun();
        for (var at = 0; at < frame.Length - 1; at += 10_000)
        {
            await socket.Owner.OnBytesAsync(frame[at..Math.Min(at + 10_000, frame.Length - 1)]);
            Assert.InRange(_memory.Used, 0, Message);
        }

        Assert.Equal(Message, _memory.Used);
        await socket.Owner.OnBytesAsync(frame[^1..]);
        Assert.Equal((1, 0L), (session.MessagesReceived, _memory.Used));
    }

    [Fact]
    public async Task Peer_GoneWhileItWaits_GivesEverythingBack()
    {
        var (socket, session) = Open(1);
        await SayAsync(socket, Begun(), until: 100_000);
        _memory.Add(Limit);
        var waiting = socket.Owner.OnBytesAsync(Begun()[100_000..140_000]).AsTask();
        Assert.False(waiting.IsCompleted);

        socket.BreakOff();
        Assert.True(await waiting.WaitAsync(Patience, TestContext.Current.CancellationToken));
        Assert.True(socket.IsAborted);
        Assert.Equal((0, (long)Limit, 0L), (_memory.Waiting, _memory.Used, session.HeldBytes));
    }

    [Fact]
    public void Fanout_ToManyThatDoNotRead_CountsOnce()
    {
        var sessions = Enumerable.Range(1, 10).Select(number => Open(number, isSlow: true)).ToList();
        using (var shared = new SharedMessage(EncodedMessage.CopyOf(new byte[1000])))
        {
            sessions.ForEach(one => one.Session.Send(EncodedMessage.CopyOf(new byte[1])));
            sessions.ForEach(one => one.Session.Send(shared.Share()));
        }

        Assert.Equal((10 * 16) + 1024, _memory.Used);
        Assert.All(sessions, one => Assert.Equal(16 + 102, one.Session.HeldBytes));

        sessions.ForEach(one => one.Socket.LetGo());
        Assert.Equal(0, _memory.Used);
    }

    // Ten sockets of one address hold more than anybody alone, though none of them holds most.
    [Fact]
    public void Exceeded_ByAnAddress_ClosesItsLargestAndNobodyElse()
    {
        var innocent = Open(1, isSlow: true);
        Keep(innocent.Session, 100_000);
        var attackers = Enumerable.Range(1, 10).Select(_ => Open(2, isSlow: true)).ToList();
        attackers.ForEach(one => Keep(one.Session, 60_000));
        _memory.Add(Limit - _memory.Used);
        Keep(attackers[3].Session, 60_000);
        ExpectReclaimed();

        var closed = attackers.Where(one => one.Session.CloseReason == CloseReason.MemoryBudget).ToList();
        Assert.Contains(attackers[3], closed);
        Assert.All(closed, one => Assert.True(one.Socket.IsAborted));
        Assert.InRange(closed.Count, 1, 3);
        Assert.Equal(closed.Count, _reclaimer.Closed);
        Assert.False(innocent.Session.IsClosing);
        Assert.Equal("close 1013 Server low on memory", Freed(attackers[3].Socket)[^1]);
    }

    [Fact]
    public async Task Sweep_SomebodyWaitsForTwo_ClosesWhoHoldsMost()
    {
        var large = Open(1);
        var small = Open(2);
        var waiting = Open(3);
        await SayAsync(large.Socket, Begun(), until: 200_000);
        await SayAsync(small.Socket, Begun(), until: 10_000);
        await SayAsync(waiting.Socket, Begun(), until: 10_000);
        _memory.Add(Limit - _memory.Used);
        var growing = waiting.Socket.Owner.OnBytesAsync(Begun()[10_000..20_000]).AsTask();

        _reclaimer.Sweep();
        Assert.False(large.Session.IsClosing);
        _reclaimer.Sweep();
        Assert.Equal(CloseReason.MemoryBudget, large.Session.CloseReason);
        Assert.False(small.Session.IsClosing || waiting.Session.IsClosing);

        large.Socket.Cut();
        Assert.True(await growing.WaitAsync(Patience, TestContext.Current.CancellationToken));
    }

    // A thousand who do not read the same message hold a thousandth of it each.
    [Fact]
    public void Exceeded_WithASharedMessage_ClosesNoneOfItsReceivers()
    {
        var receivers = Enumerable.Range(1, 20).Select(number => Open(number, isSlow: true)).ToList();
        receivers.ForEach(one => Keep(one.Session, 1));
        using (var shared = new SharedMessage(EncodedMessage.CopyOf(new byte[200_000])))
        {
            receivers.ForEach(one => one.Session.Send(shared.Share()));
        }

        var attacker = Open(99, isSlow: true);
        Keep(attacker.Session, 100_000);
        Keep(attacker.Session, 100_000);
        _memory.Add(Limit - _memory.Used + 1);
        ExpectReclaimed();

        Assert.Equal(CloseReason.MemoryBudget, attacker.Session.CloseReason);
        Assert.DoesNotContain(receivers, one => one.Session.IsClosing);
    }

    [Fact]
    public void Exhausted_Queues_TakeNothingMore()
    {
        var (_, session) = Open(1, isSlow: true);
        Keep(session, 1);
        _memory.Add(3 * Limit);
        Assert.Equal(SendResult.Full, session.TrySend(EncodedMessage.CopyOf(new byte[1])));
        Assert.Equal(0, session.Queued.Messages);
    }

    /// <summary>
    /// Sessions to which anything happens in any order: pieces of messages, fragments, pings, frames that are forbidden, messages of
    /// their own and shared ones, slow and fast peers, closes, aborts, ends. When all are gone, all is given back.
    /// </summary>
    [Fact]
    public void AnyOperations_UntilAllAreGone_LeaveNothing() =>
        Gen.Select(Gen.Int[0, 11], Gen.Int[0, 2], Gen.Int[1, 60_000]).Array[1, 60].Sample(
            steps =>
            {
                var sessions = Enumerable.Range(1, 3).Select(number => Open(number)).ToArray();
                foreach (var (what, who, bytes) in steps)
                {
                    Step(what, sessions[who].Socket, sessions[who].Session, [.. sessions.Select(one => one.Session)], bytes);
                }

                foreach (var (socket, _) in sessions)
                {
                    socket.BreakOff();
                    socket.LetGo();
                    Assert.True(socket.Reading.Wait(Patience));
                    socket.Cut();
                }

                SpinWait.SpinUntil(() => _memory.Used == 0, Patience);
                Assert.Equal((0L, 0), (_memory.Used, _memory.Waiting));
                Assert.All(sessions, one => Assert.Equal(0, one.Session.HeldBytes));
            },
            iter: 2000,
            threads: 1);

    private static void Step(int what, KeepingConnection socket, Session session, Session[] all, int bytes)
    {
        switch (what)
        {
            case 0 or 1 or 2:
                Say(socket, Begun()[..(6 + 8 + bytes)]);
                break;
            case 3:
                Say(socket, Frame(0x01, bytes));
                break;
            case 4:
                Say(socket, Frame(0x80, bytes));
                break;
            case 5:
                Say(socket, Frame(0x89, bytes % 126).AsMemory(0, 4));
                break;
            case 6:
                session.Send(EncodedMessage.CopyOf(new byte[bytes]));
                break;
            case 7:
                using (var shared = new SharedMessage(EncodedMessage.CopyOf(new byte[bytes])))
                {
                    Array.ForEach(all, one => one.TrySend(shared.Share()));
                }

                break;
            case 8:
                socket.IsSlow = true;
                break;
            case 9:
                socket.LetGo();
                break;
            case 10 when bytes % 4 == 0:
                session.Close(bytes % 8 == 0 ? CloseReason.Drained : CloseReason.SlowConsumer);
                break;
            case 11 when bytes % 4 == 0:
                session.Abort(CloseReason.WriteTimeout);
                break;
        }
    }

    // One at a time, as a connection reads: nothing comes while what came before is not done.
    private static void Say(KeepingConnection socket, Memory<byte> bytes)
    {
        if (socket.Reading is { IsCompleted: true, Result: true })
        {
            socket.Reading = socket.Owner.OnBytesAsync(bytes).AsTask();
        }
    }

    private static byte[] Frame(byte first, int bytes)
    {
        var frame = new byte[FrameWriter.HeadBytes(bytes, FrameRole.Client) + bytes];
        FrameWriter.Write(frame, (FrameOpcode)(first & 0x0F), new byte[bytes], FrameRole.Client);
        frame[0] = first;
        return frame;
    }

    private static Memory<byte> Begun() => Frame(0x82, Message);

    private static async Task SayAsync(KeepingConnection socket, Memory<byte> frame, int until)
    {
        for (var at = 0; at < Math.Min(until, frame.Length); at += 10_000)
        {
            Assert.True(await socket.Owner.OnBytesAsync(frame[at..Math.Min(at + 10_000, Math.Min(until, frame.Length))]));
        }
    }

    // On the thread pool, or the sweep; the time between two stands still.
    private void ExpectReclaimed()
    {
        _reclaimer.Sweep();
        Assert.True(SpinWait.SpinUntil(() => _reclaimer.Closed > 0, Patience));
    }

    private static void Keep(Session session, int bytes) => session.Send(EncodedMessage.CopyOf(new byte[bytes]));

    private static IReadOnlyList<string> Freed(KeepingConnection socket)
    {
        socket.LetGo();
        return [.. socket.Sent];
    }

    private CancellationTokenSource NewEnd()
    {
        var end = new CancellationTokenSource();
        _ends.Add(end);
        return end;
    }

    private (KeepingConnection Socket, Session Session) Open(int address, bool isSlow = false)
    {
        var key = IpKey.From(IPAddress.Parse($"192.0.{address}.1"), 128);
        var socket = new KeepingConnection(_connections, NewEnd()) { IsSlow = isSlow };
        var session = new Session(_table.NextId(), key, key, socket, SilentHandler.Instance, _services);
        socket.Open(session);
        return (socket, session);
    }
}
