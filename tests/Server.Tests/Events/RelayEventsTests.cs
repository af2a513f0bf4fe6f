using CsCheck;
using Microsoft.Extensions.Time.Testing;
using Relay.Events;

namespace Server.Tests.Events;

public sealed class RelayEventsTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public async Task Follow_AfterSomeHappened_ToldOfThePastAndThenThePresent()
    {
        var events = new RelayEvents(_time);
        Publish(events, 0, 3);
        var follower = events.Follow(past: 2);
        _time.Advance(TimeSpan.FromSeconds(1));
        Publish(events, 3, 2);
        follower.Dispose();
        Publish(events, 5, 1);

        var told = await ReadAsync(follower);
        Assert.Equal([(2L, "1"), (3L, "2"), (4L, "3"), (5L, "4")], told.Select(published => (published.Sequence, published.Event.Text)));
        Assert.Equal(TimeSpan.FromSeconds(1), told[^1].Time - told[0].Time);
    }

    /// <summary>Who does not read stops nobody: the oldest are lost, and the sequence shows it.</summary>
    [Fact]
    public async Task Publish_NobodyReads_KeepsTheNewest()
    {
        var events = new RelayEvents(_time, capacity: 4);
        var slow = events.Follow();
        Publish(events, 0, 10);
        slow.Dispose();

        Assert.Equal([7, 8, 9, 10], (await ReadAsync(slow)).Select(published => published.Sequence));
        Assert.Equal([9, 10], events.Last(2).Select(published => published.Sequence));
        Assert.Equal([7, 8, 9, 10], events.Last(int.MaxValue).Select(published => published.Sequence));
    }

    /// <summary>Whatever the order: everybody is told of what happened while it followed, in order and without a gap, as far as its queue reaches.</summary>
    [Fact]
    public void Follow_AnyOrder_HoldsTheNewestOfItsTime() => Gen.Select(Gen.Int[1, 8], Gen.Int[0, 12], Gen.Int[0, 12], Gen.Int[0, 12]).Sample((capacity, before, past, during) =>
    {
        var events = new RelayEvents(_time, capacity);
        Publish(events, 0, before);
        var follower = events.Follow(past);
        Publish(events, before, during);
        follower.Dispose();

        var begun = before - Math.Min(past, Math.Min(before, capacity));
        var expected = Enumerable.Range(begun, before + during - begun).TakeLast(capacity).Select(i => (long)i + 1);
        return expected.SequenceEqual(ReadAsync(follower).GetAwaiter().GetResult().Select(published => published.Sequence));
    });

    [Fact]
    public async Task Publish_ManyThreads_EveryFollowerSeesOneOrder()
    {
        var events = new RelayEvents(_time, capacity: 10_000);
        var (one, other) = (events.Follow(), events.Follow());
        Parallel.For(0, 4, worker => Publish(events, worker * 1000, 1000));
        one.Dispose();
        other.Dispose();

        var told = await ReadAsync(one);
        Assert.Equal(Enumerable.Range(1, 4000).Select(i => (long)i), told.Select(published => published.Sequence));
        Assert.Equal(told, await ReadAsync(other));
    }

    internal static void Publish(RelayEvents events, int first, int count)
    {
        for (var i = first; i < first + count; i++)
        {
            events.Publish(new Happened(i));
        }
    }

    private static async Task<List<PublishedEvent>> ReadAsync(EventFollower follower)
    {
        var read = new List<PublishedEvent>();
        await foreach (var published in follower.ReadAsync(TestContext.Current.CancellationToken))
        {
            read.Add(published);
        }

        return read;
    }

    private sealed record Happened(int Number) : RelayEvent
    {
        public override string Kind => "happened";

        public override string Text => FormattableString.Invariant($"{Number}");
    }
}
