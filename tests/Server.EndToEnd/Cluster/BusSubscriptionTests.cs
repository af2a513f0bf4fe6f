using System.Buffers;
using NATS.Client.Core;
using Relay.Cluster;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Cluster;

public sealed class BusSubscriptionTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>NATS takes it at the second try only: it is heard once, and not any more after its end.</summary>
    [Fact]
    public async Task Begin_FailedBefore_IsHeardOnceAndCanBeEnded()
    {
        await using var server = await NatsServer.StartAsync();
        var settings = NatsOpts.Default with { Url = server.Url, MaxReconnectRetry = -1, ReconnectWaitMax = TimeSpan.FromMilliseconds(100) };
        await using var own = new NatsConnection(settings);
        await own.ConnectAsync();
        await server.KillAsync();
        await Eventually.TrueAsync(() => own.ConnectionState != NatsConnectionState.Open, "the connection is lost");
        var received = 0;
        var subscription = new BusSubscription("subject", (string _, string? _, bool _, in ReadOnlySequence<byte> _) => Interlocked.Increment(ref received));
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await Assert.ThrowsAnyAsync<Exception>(async () => await subscription.BeginAsync(own, soon.Token));
        await server.RestartAsync();
        await Eventually.TrueAsync(() => own.ConnectionState == NatsConnectionState.Open, "the connection is back");

        await subscription.BeginAsync(own, Token);
        await own.PingAsync(Token);
        await using var other = new NatsConnection(settings);
        await SendAsync(other, own);
        Assert.Equal(1, received);

        await subscription.EndAsync();
        await own.PingAsync(Token);
        await SendAsync(other, own);
        Assert.Equal(1, received);
    }

    // What other has sent before its ping is with the server, and so with own before own's ping is answered.
    private static async Task SendAsync(NatsConnection other, NatsConnection own)
    {
        await other.PublishAsync("subject", "text", cancellationToken: Token);
        await other.PingAsync(Token);
        await own.PingAsync(Token);
    }
}
