using Grpc.Core;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.Events;
using Relay.Sessions;

namespace Relay.EndToEnd.Admin;

/// <summary>What a caller of WatchEvents sees, however slowly he reads and however the relay ends.</summary>
public sealed class EventWatchTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(60), cancellationToken: Cancel);

    [Fact]
    public async Task Watch_Following_SeesWhatHappensInOrder()
    {
        await using var server = await RelayServer.StartAsync();
        using var watch = server.Admin.WatchEvents(new WatchEventsRequest { Past = 1 }, Call);
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        Assert.Equal(("state_changed", "Serving: new connections are accepted", 1L), (Current().Kind, Current().Text, Current().Sequence));
        server.Get<Drainer>().Start(rate: 1, TimeSpan.FromMinutes(1));
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        Assert.Equal(("state_changed", 2L), (Current().Kind, Current().Sequence));
        Assert.True(await watch.ResponseStream.MoveNext(Cancel));
        Assert.Equal(("drain_started", "relayd", 3L), (Current().Kind, Current().Who, Current().Sequence));

        var stopping = server.App.StopAsync(Cancel);
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(Cancel))
            {
            }
        });
        Assert.Equal((StatusCode.Unavailable, "the relay is stopping"), (error.StatusCode, error.Status.Detail));
        await stopping;

        EventEntry Current() => watch.ResponseStream.Current;
    }

    /// <summary>An answer that is being sent when the relay stops is finished first: cut short, it would hide why the call ends.</summary>
    [Fact]
    public async Task Watch_StopDuringAnAnswer_IsToldWhy()
    {
        await using var server = await RelayServer.StartAsync(time: new FakeTimeProvider(DateTimeOffset.UtcNow));
        using var watch = await WatchWithoutReadingAsync(server);

        var stopping = server.App.StopAsync(Cancel);
        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(Cancel))
            {
            }
        });
        Assert.Equal((StatusCode.Unavailable, "the relay is stopping"), (error.StatusCode, error.Status.Detail));
        await stopping;
    }

    [Fact]
    public async Task Watch_ReaderThatNeverReads_HoldsUpNoStop()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        await using var server = await RelayServer.StartAsync(time: time);
        using var watch = await WatchWithoutReadingAsync(server);

        var stopping = server.App.StopAsync(CancellationToken.None);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromSeconds(1));
                return stopping.IsCompleted;
            },
            "the stop");
        await stopping;
    }

    // More events than a caller's window takes, so that one of them is being sent for as long as nobody reads.
    private static async Task<AsyncServerStreamingCall<EventEntry>> WatchWithoutReadingAsync(RelayServer server)
    {
        var watch = server.Admin.WatchEvents(new WatchEventsRequest(), Call);
        await watch.ResponseHeadersAsync;
        for (var i = 0; i < 10_000; i++)
        {
            server.Get<RelayEvents>().Publish(new ClientsDisconnected(i) { Reason = "a flood of events" });
        }

        return watch;
    }

    /// <summary>A watcher that does not read holds nobody up; when it reads on, the numbers say that it lost the oldest.</summary>
    [Fact]
    public async Task Watch_ReaderThatIsTooSlow_SeesAGapAndTheNewest()
    {
        await using var server = await RelayServer.StartAsync();
        using var watch = server.Admin.WatchEvents(new WatchEventsRequest(), Call);
        await watch.ResponseHeadersAsync;
        const int Many = 100_000;
        for (var i = 0; i < Many; i++)
        {
            server.Get<RelayEvents>().Publish(new ClientsDisconnected(i) { Reason = "a flood of events" });
        }

        var (last, gap) = (1L, false);
        while (last <= Many && await watch.ResponseStream.MoveNext(Cancel))
        {
            gap |= watch.ResponseStream.Current.Sequence != last + 1;
            Assert.True(watch.ResponseStream.Current.Sequence > last);
            last = watch.ResponseStream.Current.Sequence;
        }

        Assert.Equal((Many + 1, true), (last, gap));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1025)]
    public async Task Watch_PastOutOfRange_NamesTheField(int past)
    {
        await using var server = await RelayServer.StartAsync();
        using var watch = server.Admin.WatchEvents(new WatchEventsRequest { Past = past }, Call);
        var error = await Assert.ThrowsAsync<RpcException>(async () => await watch.ResponseStream.MoveNext(Cancel));
        Assert.Equal((StatusCode.InvalidArgument, $"past: {past} is not in 0 to 1,024"), (error.StatusCode, error.Status.Detail));
    }
}
