using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Memory;
using Relay.Protocol;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Framing;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

/// <summary>A relay that was stopped for a while judges nobody by that while.</summary>
public sealed class HeartbeatTests : IDisposable
{
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(7);

    private readonly FakeTimeProvider _time = new();
    private readonly RelayMetrics _metrics = new();
    private readonly SessionTable _table = new();
    private readonly ClientSessionOptions _options = new()
    {
        PingInterval = TimeSpan.FromSeconds(2),
        SilenceTimeout = TimeSpan.FromSeconds(5),
        RegistrationTimeout = TimeSpan.FromSeconds(6),
        SendTimeout = TimeSpan.FromSeconds(4),
        MessageTimeout = TimeSpan.FromSeconds(4.25),
    };

    private readonly ConnectionTable _connections;
    private readonly ClosingConnections _closing;
    private readonly Heartbeat _heartbeat;

    public HeartbeatTests()
    {
        _closing = new ClosingConnections(_time);
        _connections = new ConnectionTable(_closing, MemoryBudget.Unlimited);
        _heartbeat = new Heartbeat(_table, _options, _time);
    }

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public async Task Sweep_AfterAStall_PingsTheSilentAndClosesThoseWhoStaySilent()
    {
        var (answering, alive) = Open();
        var (_, dead) = Open();
        alive.AddRegistration();
        dead.AddRegistration();
        Pass(1);
        _time.Advance(Stall);
        _heartbeat.Sweep();
        Assert.Equal((false, false), (alive.IsClosing, dead.IsClosing));
        Assert.Equal("", Assert.Single(answering.Sent));

        Pass(1);
        Assert.True(await answering.SayAsync(FrameOpcode.Pong, default));
        Pass(5.5);
        Assert.Equal((false, false), (alive.IsClosing, dead.IsClosing));

        Assert.True(await answering.SayAsync(FrameOpcode.Pong, default));
        Pass(1);
        Assert.Equal((false, CloseReason.HeartbeatTimeout), (alive.IsClosing, dead.CloseReason));
    }

    // Asked just before the stall, and again after it.
    [Fact]
    public void Sweep_AfterAStallShorterThanAPingInterval_PingsWhoWasSilentForOne()
    {
        var (socket, session) = Open();
        session.AddRegistration();
        Pass(2);
        Assert.Single(socket.Sent);

        _time.Advance(TimeSpan.FromSeconds(1.5));
        _heartbeat.Sweep();
        Assert.Equal(2, socket.Sent.Count);
    }

    [Fact]
    public void Sweep_WithoutAStall_ClosesTheSilent()
    {
        var (socket, session) = Open();
        session.AddRegistration();
        Pass(4.5);
        Assert.False(session.IsClosing);

        Pass(0.5);
        Assert.Equal("close 1001 Heartbeat timeout", socket.Sent[^1]);
    }

    [Fact]
    public async Task Sweep_AfterAStall_LeavesTimeToRegister()
    {
        var (socket, session) = Open();
        Pass(1);
        _time.Advance(Stall);
        _heartbeat.Sweep();
        Pass(4);
        Assert.True(await socket.SayAsync(FrameOpcode.Pong, default));
        Pass(3.5);
        Assert.False(session.IsClosing);

        Pass(0.5);
        Assert.Equal(CloseReason.RegistrationTimeout, session.CloseReason);
    }

    [Fact]
    public async Task Sweep_AfterAStall_LeavesTimeToFinishAMessage()
    {
        var (socket, session) = Open();
        session.AddRegistration();
        Assert.True(await socket.Owner.OnBytesAsync(new byte[] { 0x81 }));
        Pass(1);
        _time.Advance(Stall);
        _heartbeat.Sweep();
        Pass(6);
        Assert.False(session.IsClosing);

        Pass(1);
        Assert.Equal(CloseReason.MessageTimeout, session.CloseReason);
    }

    [Fact]
    public void Sweep_AfterAStall_LeavesTimeToRead()
    {
        var (socket, session) = Open(isSlow: true);
        session.AddRegistration();
        session.Send(EncodedMessage.CopyOf("a"u8));
        Pass(1);
        _time.Advance(Stall);
        _heartbeat.Sweep();
        Pass(6);
        Assert.False(session.IsClosing);

        Pass(0.5);
        Assert.Equal((CloseReason.WriteTimeout, true), (session.CloseReason, socket.IsAborted));
    }

    [Fact]
    public void Grace_AfterAStall_LeavesTimeForTheLastBytes()
    {
        var (socket, session) = Open();
        session.Close(CloseReason.Drained);
        _time.Advance(Stall);
        _closing.Sweep();
        Assert.False(socket.IsAborted);

        _time.Advance(TimeSpan.FromSeconds(1));
        _closing.Sweep();
        Assert.False(socket.IsAborted);
        for (var passed = TimeSpan.FromSeconds(1); passed < SweepClock.Settling + ClosingConnections.Grace; passed += ClosingConnections.Interval)
        {
            _time.Advance(ClosingConnections.Interval);
            _closing.Sweep();
        }

        Assert.True(socket.IsAborted);
    }

    private void Pass(double seconds)
    {
        for (var end = _time.GetUtcNow() + TimeSpan.FromSeconds(seconds); _time.GetUtcNow() < end;)
        {
            _time.Advance(Heartbeat.Interval);
            _heartbeat.Sweep();
        }
    }

    private (SlowConnection Socket, Session Session) Open(bool isSlow = false)
    {
        var socket = new SlowConnection(_connections) { IsSlow = isSlow };
        var session = new Session(
            _table.NextId(), default, default, socket, SilentHandler.Instance, new SessionServices(_options, _table, _metrics, _time, NullLogger<Session>.Instance));
        socket.Open(session);
        return (socket, session);
    }
}
