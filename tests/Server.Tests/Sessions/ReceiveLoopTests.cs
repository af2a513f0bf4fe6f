using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Relay.Sessions;
using Relay.Telemetry;
using Relay.Transport;
using Server.Tests.Federation;

namespace Server.Tests.Sessions;

public sealed class ReceiveLoopTests
{
    // Weakness 16: while one message waited for something, the next ones of its socket were handled.
    [Fact]
    public async Task Message_WhileAnEarlierOneIsHandled_Waits()
    {
        var time = new FakeTimeProvider();
        using var metrics = new RelayMetrics();
        using var closing = new ClosingConnections(time);
        var services = new SessionServices(new ClientSessionOptions(), metrics, time, NullLogger<Session>.Instance);
        var connection = new TrackedConnection(new DefaultConnectionContext(), new ConnectionTable(closing));
        var socket = new FakePeerSocket();
        var handler = new SlowHandler();
        await using var frames = new FrameStream(Stream.Null, services.Options, time);

        // Both are there before the loop starts: it comes as far as it can before it gives the thread back.
        socket.Say("first");
        socket.Say("second");
        var running = new Session(1, default, default, connection, socket, frames, services).RunAsync(handler, new SessionTable());
        Assert.Equal("first", await handler.NextAsync());
        Assert.Null(handler.Begun);
        handler.Finish();
        Assert.Equal("second", await handler.NextAsync());
        Assert.Null(handler.Begun);

        socket.Cut();
        handler.Finish();
        await running.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.Equal("closed", await handler.NextAsync());
    }

    /// <summary>Is done with a message when the test says so.</summary>
    private sealed class SlowHandler : ISessionHandler
    {
        private readonly Channel<string> _begun = Channel.CreateUnbounded<string>();
        private readonly Channel<bool> _finish = Channel.CreateUnbounded<bool>();

        /// <summary>What was begun and not yet asked for, or null.</summary>
        public string? Begun => _begun.Reader.TryPeek(out var message) ? message : null;

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
