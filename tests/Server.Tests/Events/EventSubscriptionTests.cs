using Microsoft.Extensions.Time.Testing;
using Relay.Events;
using Server.Tests.Support;

namespace Server.Tests.Events;

public sealed class EventSubscriptionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly RelayEvents _events = new(new FakeTimeProvider(), capacity: 4);
    private readonly ListLogger<EventSubscription> _log = new();

    [Fact]
    public async Task Start_AfterSomeHappened_HandlesThemAndStopHandlesTheRest()
    {
        var seen = new List<string>();
        RelayEventsTests.Publish(_events, 0, 2);
        using var subscription = Create(published => seen.Add(published.Event.Text));
        await subscription.StartAsync(Cancel);
        RelayEventsTests.Publish(_events, 2, 2);
        await subscription.StopAsync(Cancel);

        Assert.Equal(["0", "1", "2", "3"], seen);
        Assert.Empty(_log.Lines);
    }

    /// <summary>A subscriber whose disk hangs stops nobody; how many events it missed is counted and said.</summary>
    [Fact]
    public async Task Handle_WaitsForItsDisk_WhatDoesNotFitIsCountedAndSaid()
    {
        using var begun = new ManualResetEventSlim();
        using var goOn = new ManualResetEventSlim();
        var seen = new List<long>();
        using var subscription = Create(published =>
        {
            begun.Set();
            Assert.True(goOn.Wait(Patience, Cancel));
            seen.Add(published.Sequence);
        });
        await subscription.StartAsync(Cancel);
        RelayEventsTests.Publish(_events, 0, 1);
        Assert.True(begun.Wait(Patience, Cancel));
        RelayEventsTests.Publish(_events, 1, 10);
        goOn.Set();
        await subscription.StopAsync(Cancel);

        Assert.Equal([1, 8, 9, 10, 11], seen);
        Assert.Equal(["6 events did not reach Slow: too many at once"], _log.Texts);
    }

    [Fact]
    public async Task Handle_Fails_IsLoggedAndTheNextAreHandled()
    {
        var seen = new List<long>();
        using var subscription = Create(published =>
        {
            if (published.Sequence == 1)
            {
                throw new InvalidOperationException("a bug");
            }

            seen.Add(published.Sequence);
        });
        await subscription.StartAsync(Cancel);
        RelayEventsTests.Publish(_events, 0, 2);
        await subscription.StopAsync(Cancel);

        Assert.Equal([2], seen);
        Assert.Equal(["Slow failed at an event of kind happened"], _log.Texts);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private EventSubscription Create(Action<PublishedEvent> handle) => new("Slow", _events, handle, _log);
}
