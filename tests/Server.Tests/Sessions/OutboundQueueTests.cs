using System.Buffers;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;

namespace Server.Tests.Sessions;

public sealed class OutboundQueueTests : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly OutboundQueue _queue;

    // Somebody is sending, so that all else waits.
    public OutboundQueueTests()
    {
        _queue = new OutboundQueue(new ClientSessionOptions { QueueMessages = 3, QueueBytes = 1024 }, _metrics);
        Assert.True(_queue.TryBegin());
    }

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void TryEnqueue_OverTheCount_IsFull()
    {
        Assert.All(Enumerable.Range(0, 3), _ => Assert.Equal(EnqueueResult.Queued, Add(1)));
        Assert.Equal(EnqueueResult.Full, Add(1));
        Assert.True(_queue.TryNext(out _, out _));
        Assert.Equal(EnqueueResult.Queued, Add(1));
    }

    [Fact]
    public void TryEnqueue_OverTheBytes_IsFull()
    {
        Assert.Equal(EnqueueResult.Queued, Add(1000));
        Assert.Equal(EnqueueResult.Full, Add(25));
        Assert.Equal(EnqueueResult.Queued, Add(24));
    }

    // Of three messages or 1,024 bytes: more than one message or 512 bytes are over half.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000)]
    public async Task RoomAsync_OverHalf_WaitsUntilHalfIsSent(params int[] lengths)
    {
        Assert.True(_queue.RoomAsync().IsCompleted);
        Assert.All(lengths, length => Assert.Equal(EnqueueResult.Queued, Add(length)));
        var room = _queue.RoomAsync();
        Assert.False(room.IsCompleted);

        Assert.True(_queue.TryNext(out _, out _));
        await room.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task RoomAsync_Completed_DoesNotWait()
    {
        Add(1000);
        var room = _queue.RoomAsync();
        _queue.Complete(drop: false);

        await room.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(_queue.RoomAsync().IsCompleted);
    }

    [Fact]
    public void TryEnqueue_NobodySends_IsTheCallersToSend()
    {
        Assert.False(_queue.TryNext(out _, out _));
        Assert.Equal(EnqueueResult.SendNow, Add(1));
        Assert.False(_queue.TryBegin());
        Assert.Equal(EnqueueResult.Queued, Add(2));
        Assert.True(_queue.TryNext(out var next, out _));
        Assert.Equal(2, next.Length);
    }

    [Fact]
    public void Complete_KeepingTheRest_HandsItOutInOrderAndThenTheEndOnce()
    {
        Add(1);
        Add(2);
        Assert.False(_queue.Complete(drop: false));

        Assert.Equal(EnqueueResult.Completed, Add(3));
        Assert.True(_queue.TryNext(out var first, out _));
        Assert.True(_queue.TryNext(out var second, out _));
        Assert.Equal((1, 2), (first.Length, second.Length));
        Assert.False(_queue.TryNext(out _, out var isLast));
        Assert.True(isLast);
        Assert.False(_queue.Complete(drop: true));
        Assert.Equal(0, _metrics.Queued);
    }

    [Fact]
    public void Complete_NobodySends_IsTheCallersEnd()
    {
        Assert.False(_queue.TryNext(out _, out _));
        Assert.True(_queue.Complete(drop: true));
        Assert.False(_queue.TryBegin());
    }

    [Fact]
    public void Complete_Dropping_LeavesNothing()
    {
        Add(1);
        _queue.Complete(drop: true);

        Assert.False(_queue.TryNext(out _, out _));
        Assert.Equal(0, _metrics.Queued);
    }

    private EnqueueResult Add(int length) => _queue.TryEnqueue(new EncodedMessage(ArrayPool<byte>.Shared.Rent(length), length));
}
