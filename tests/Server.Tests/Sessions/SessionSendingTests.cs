using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Addresses;
using Relay.Memory;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Framing;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

/// <summary>A session on a connection that is as slow as the test wants.</summary>
public sealed class SessionSendingTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly FakeTimeProvider _time = new();
    private readonly RelayMetrics _metrics = new();
    private readonly SessionTable _table = new();
    private readonly ConnectionTable _connections;
    private readonly ClientSessionOptions _options = new() { BytesPerSecond = 1024, BytesBurst = 1024 };
    private readonly SessionServices _services;
    private readonly Heartbeat _heartbeat;

    public SessionSendingTests()
    {
        _connections = new ConnectionTable(new ClosingConnections(_time), MemoryBudget.Unlimited);
        _services = new SessionServices(_options, _table, _metrics, _time, NullLogger<Session>.Instance);
        _heartbeat = new Heartbeat(_table, _options, _time);
    }

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task Bytes_FasterThanTheRate_PauseReadingUntilTheDebtIsPaid()
    {
        var (socket, _) = Open();

        // 1,024 bytes at once, then 1,024 a second: the frame is 1,536 above the first.
        var reading = socket.SayAsync(FrameOpcode.Binary, new byte[2560 - 8]).AsTask();
        _time.Advance(TimeSpan.FromMilliseconds(1499));
        Assert.False(reading.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(await reading.WaitAsync(Patience, TestContext.Current.CancellationToken));

        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(await socket.SayAsync(FrameOpcode.Binary, new byte[1000]));
    }

    [Fact]
    public void TryPing_WhileAWriteIsPending_SendsNothing()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "a");
        session.TryPing();
        socket.IsSlow = false;
        socket.LetGo();
        Assert.Equal(["a"], socket.Sent);

        session.TryPing();
        Assert.Equal(["a", ""], socket.Sent);
    }

    [Fact]
    public void Sweep_WriteThatIsPendingTooLong_IsAborted()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "a");
        Wait(_options.SendTimeout);
        Assert.False(session.IsClosing);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        _heartbeat.Sweep();
        Assert.Equal((CloseReason.WriteTimeout, true), (session.CloseReason, socket.IsAborted));
    }

    // The peer reads nothing, and has asked for nothing: what others send it ends nothing before its silence does.
    [Fact]
    public void Sweep_WriteOfOthersMessagesThatIsPendingLong_IsNoTimeout()
    {
        var (socket, session) = Open(isSlow: true);
        session.AddRegistration();
        Assert.Equal(SendResult.Accepted, Pass(session, "a"));
        Assert.Equal(SendResult.Accepted, Pass(session, "b"));
        Wait(2 * _options.SendTimeout);
        Assert.False(session.IsClosing);

        Send(session, "an answer");
        Wait(Heartbeat.Interval);
        Assert.Equal((CloseReason.WriteTimeout, true), (session.CloseReason, socket.IsAborted));
    }

    [Fact]
    public void Send_MoreThanTheQueue_ClosesTheReceiver()
    {
        _options.QueueMessages = 2;
        var (socket, session) = Open(isSlow: true);
        Assert.All(["on its way", "1", "2"], text => Send(session, text));
        Assert.False(session.IsClosing);
        Send(session, "3");
        Assert.Equal(CloseReason.SlowConsumer, session.CloseReason);
        socket.IsSlow = false;
        socket.LetGo();
        Assert.Equal(["on its way", "close 1013 Slow consumer"], socket.Sent);
    }

    [Fact]
    public async Task Pass_MoreThanTheShare_IsRefusedAndNeitherClosesNorStopsReading()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "on its way");
        var accepted = Enumerable.Range(0, 1000).Count(_ => Pass(session, "x") == SendResult.Accepted);
        Assert.Equal(_options.QueueMessages / _options.SenderDivisor, accepted);
        session.Pass(EncodedMessage.CopyOf("x"u8), default);
        Assert.Equal((accepted, 1L, 1L * accepted), (session.Queued.Messages, _metrics.Dropped, _metrics.Queued));
        Assert.True(await socket.SayAsync(FrameOpcode.Ping, "pong"u8));

        socket.IsSlow = false;
        socket.LetGo();
        await WaitAsync(() => socket.Sent.Count == accepted + 2);
        Assert.False(session.IsClosing);
        Assert.Equal("pong", socket.Sent[^1]);
    }

    [Fact]
    public void Pass_ByANewAddress_DisplacesAndCounts()
    {
        _options.UnaskedDivisor = _options.SenderDivisor;
        var (_, session) = Open(isSlow: true);
        Send(session, "on its way");
        Assert.All(Enumerable.Range(0, 32), _ => Assert.Equal(SendResult.Accepted, Pass(session, "x")));
        Assert.Equal(SendResult.Accepted, session.TryPass(EncodedMessage.CopyOf("y"u8), IpKey.FromIpv4(1 << 8)));
        Assert.Equal((32, 1L, 32L), (session.Queued.Messages, _metrics.Dropped, _metrics.Queued));
    }

    [Fact]
    public void Sweep_AfterAPendingWriteHasGone_FindsNone()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "a");
        socket.LetGo();
        Wait(2 * _options.SendTimeout);

        Assert.False(session.IsClosing);
        Assert.Equal(0, session.WriteStarted);
    }

    [Fact]
    public async Task Sweep_MessageThatIsNotFinished_IsClosedInTime()
    {
        var (socket, session) = Open();
        session.AddRegistration();
        Assert.True(await socket.Owner.OnBytesAsync(new byte[] { 0x81 }));
        Wait(_options.MessageTimeout);

        // Another byte of the message gives it no more time.
        Assert.True(await socket.Owner.OnBytesAsync(new byte[] { 0x85 }));
        _heartbeat.Sweep();
        Assert.False(session.IsClosing);

        _time.Advance(TimeSpan.FromMilliseconds(1));
        _heartbeat.Sweep();
        Assert.Equal(CloseReason.MessageTimeout, session.CloseReason);
        Assert.Equal("close 1008 Message timeout", socket.Sent[^1]);
    }

    [Fact]
    public async Task Send_WhileAWriteIsPending_KeepsTheOrder()
    {
        var (socket, session) = Open(isSlow: true);
        var expected = Enumerable.Range(0, 200).Select(number => number.ToString(CultureInfo.InvariantCulture)).ToList();
        expected.ForEach(text => Send(session, text));
        var reading = socket.SayAsync(FrameOpcode.Ping, "pong"u8).AsTask();
        Assert.False(reading.IsCompleted);
        Assert.Equal((200, 200L), (session.Queued.Messages, _metrics.Queued));

        socket.IsSlow = false;
        socket.LetGo();
        Assert.True(await reading.WaitAsync(Patience, TestContext.Current.CancellationToken));
        await WaitAsync(() => socket.Sent.Count == 201);
        Assert.Equal([.. expected, "pong"], socket.Sent);
        Assert.Equal((default, 0L, 200L), (session.Queued, _metrics.Queued, session.MessagesSent));
    }

    [Fact]
    public async Task Send_FromManyThreads_KeepsTheOrderOfEach()
    {
        const int Senders = 4;
        const int Messages = 5000;
        var options = new ClientSessionOptions { QueueMessages = 100_000, QueueBytes = 1 << 30 };
        var random = new Random(7);
        var socket = new SlowConnection(_connections) { KeepsNext = () => random.Next(3) == 0 };
        var session = Open(socket, new SessionServices(options, _table, _metrics, _time, NullLogger<Session>.Instance));
        await Task.WhenAll(Enumerable.Range(0, Senders).Select(sender => Task.Run(() =>
        {
            for (var number = 0; number < Messages; number++)
            {
                Send(session, $"{sender} {number}");
            }
        })));
        session.Close(CloseReason.Shutdown);
        await WaitAsync(() => socket.Sent.Count == (Senders * Messages) + 1);

        var bySender = socket.Sent.SkipLast(1).Select(text => text.Split(' ')).ToLookup(parts => parts[0], parts => int.Parse(parts[1], CultureInfo.InvariantCulture));
        Assert.Equal(Senders, bySender.Count);
        Assert.All(bySender, numbers => Assert.Equal(Enumerable.Range(0, Messages), numbers));
        Assert.Equal("close 1001 Server shutting down", socket.Sent[^1]);
        Assert.Equal(0, _metrics.Queued);
    }

    [Fact]
    public void Close_WhileAWriteIsPending_FollowsWhatWaits()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "a");
        Send(session, "b");
        session.Close(CloseReason.Drained);
        Send(session, "too late");
        Assert.Empty(socket.Sent);

        socket.IsSlow = false;
        socket.LetGo();
        Assert.Equal(["a", "b", "close 1012 Server draining"], socket.Sent);
    }

    [Fact]
    public void Close_ThatDropsTheQueue_FollowsThePendingWrite()
    {
        var (socket, session) = Open(isSlow: true);
        Send(session, "a");
        Send(session, "b");
        session.Close(CloseReason.SlowConsumer);
        Assert.Equal(0, _metrics.Queued);

        socket.IsSlow = false;
        socket.LetGo();
        Assert.Equal(["a", "close 1013 Slow consumer"], socket.Sent);
    }

    [Fact]
    public async Task Close_ByTwoThreadsAtOnce_SendsTheFrameOfTheReasonThatWon()
    {
        using var barrier = new Barrier(2);
        for (var round = 0; round < 2000; round++)
        {
            var (socket, session) = Open();
            var other = Task.Run(
                () =>
                {
                    barrier.SignalAndWait(Patience);
                    session.Disconnect(4000, "moved");
                },
                TestContext.Current.CancellationToken);
            barrier.SignalAndWait(Patience, TestContext.Current.CancellationToken);
            session.Close(CloseReason.Drained);
            await other;

            var expected = session.CloseReason == CloseReason.Drained ? "close 1012 Server draining" : "close 4000 moved";
            Assert.Equal([expected], socket.Sent);
        }
    }

    // Whoever loses the race, here the end of the connection, must find the winner's frame.
    [Fact]
    public async Task Close_WhileTheConnectionEnds_SendsItsOwnFrameOrNone()
    {
        using var barrier = new Barrier(2);
        for (var round = 0; round < 2000; round++)
        {
            var (socket, session) = Open();
            var other = Task.Run(
                () =>
                {
                    barrier.SignalAndWait(Patience);
                    socket.Cut();
                },
                TestContext.Current.CancellationToken);
            barrier.SignalAndWait(Patience, TestContext.Current.CancellationToken);
            session.Disconnect(4000, "moved");
            await other;

            Assert.Equal(session.CloseReason == CloseReason.Disconnected ? ["close 4000 moved"] : [], socket.Sent);
        }
    }

    private void Wait(TimeSpan span)
    {
        for (var end = _time.GetUtcNow() + span; _time.GetUtcNow() < end;)
        {
            _time.Advance(Heartbeat.Interval);
            _heartbeat.Sweep();
        }
    }

    private static void Send(Session session, string text) => session.Send(EncodedMessage.CopyOf(Encoding.UTF8.GetBytes(text)));

    private static SendResult Pass(Session session, string text) => session.TryPass(EncodedMessage.CopyOf(Encoding.UTF8.GetBytes(text)), default);

    private static async Task WaitAsync(Func<bool> condition)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(5));
        using var cancel = new CancellationTokenSource(Patience);
        while (!condition())
        {
            await timer.WaitForNextTickAsync(cancel.Token);
        }
    }

    private (SlowConnection Socket, Session Session) Open(bool isSlow = false)
    {
        var socket = new SlowConnection(_connections) { IsSlow = isSlow };
        return (socket, Open(socket, _services));
    }

    private Session Open(SlowConnection socket, SessionServices services)
    {
        var session = new Session(_table.NextId(), default, default, socket, SilentHandler.Instance, services);
        socket.Open(session);
        return session;
    }
}
