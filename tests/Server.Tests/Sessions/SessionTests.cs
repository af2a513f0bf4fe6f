using System.Text;
using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Memory;
using Relay.Scheduling;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Framing;
using Server.Tests.Federation;
using Server.Tests.Support;

namespace Server.Tests.Sessions;

public sealed class SessionTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RelayMetrics _metrics = new();
    private readonly PeriodicWork _ticking;
    private readonly FakePeerSocket _peer;
    private readonly SlowHandler _handler = new();

    public SessionTests()
    {
        var closing = new ClosingConnections(_time);
        _ticking = Ticking.Start(_time, ClosingConnections.Interval, closing.Sweep);
        _peer = new FakePeerSocket(new ConnectionTable(closing, MemoryBudget.Unlimited));
        _peer.Open(new Session(
            1, default, default, _peer, _handler,
            new SessionServices(new ClientSessionOptions { MaxMessageBytes = 1024 }, new SessionTable(), _metrics, _time, NullLogger<Session>.Instance)));
    }

    public void Dispose()
    {
        _ticking.Dispose();
        _metrics.Dispose();
    }

    [Fact]
    public async Task Message_WhileAnEarlierOneIsHandled_Waits()
    {
        var reading = _peer.SayAsync(FrameOpcode.Text, "first"u8).AsTask();
        Assert.Equal("first", await _handler.NextAsync());
        Assert.False(reading.IsCompleted);
        _handler.Finish();
        Assert.True(await reading.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));

        var next = _peer.SayAsync(FrameOpcode.Text, "second"u8).AsTask();
        Assert.Equal("second", await _handler.NextAsync());
        _handler.Finish();
        Assert.True(await next.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken));
        _peer.Cut();
        Assert.Equal("closed", await _handler.NextAsync());
    }

    [Fact]
    public async Task Ping_WithData_IsAnsweredWithIt()
    {
        Assert.True(await _peer.SayAsync(FrameOpcode.Ping, "abc"u8));
        Assert.Equal("abc", await _peer.HearAsync());
    }

    [Fact]
    public async Task Close_OfThePeer_IsEchoedAndEndsTheConnection()
    {
        Assert.False(await _peer.SayAsync(FrameOpcode.Close, [0x0F, 0xA1, (byte)'b', (byte)'y']));
        Assert.Equal("close 4001 by", await _peer.HearAsync());
        await _peer.Over.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("closed", await _handler.NextAsync());
    }

    [Theory]
    [InlineData(new byte[] { 0x81, 0x01 }, "close 1002 ")]
    [InlineData(new byte[] { 0x81, 0xFE, 0x04, 0x01 }, "close 1009 ")]
    [InlineData(new byte[] { 0x81, 0x81, 0, 0, 0, 0, 0xFF }, "close 1007 ")]
    public async Task Frame_ThatIsForbidden_IsRefusedAtTheFirstByteThatShowsIt(byte[] bytes, string expected)
    {
        IConnectionHandler session = _peer.Owner;
        Assert.True(await session.OnBytesAsync(bytes));
        Assert.Equal(expected, await _peer.HearAsync());
    }

    /// <summary>Is done with a message when the test says so.</summary>
    private sealed class SlowHandler : ISessionHandler
    {
        private readonly Channel<string> _begun = Channel.CreateUnbounded<string>();
        private readonly Channel<bool> _finish = Channel.CreateUnbounded<bool>();

        public Task<string> NextAsync() => _begun.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(10));

        public void Finish() => _finish.Writer.TryWrite(true);

        public void OnOpened(Session session)
        {
        }

        public async ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt)
        {
            _begun.Writer.TryWrite(Encoding.UTF8.GetString(message.Span));
            await _finish.Reader.ReadAsync();
        }

        public void OnClosed(Session session) => _begun.Writer.TryWrite("closed");
    }
}
