using System.Buffers;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Telemetry;

namespace Server.Tests.Sessions;

public sealed class OutboundQueueTests : IDisposable
{
    private readonly RelayMetrics _metrics = new();
    private readonly OutboundQueue _queue;

    public OutboundQueueTests() => _queue = new OutboundQueue(new ClientSessionOptions { QueueMessages = 3, QueueBytes = 1024 }, _metrics);

    public void Dispose() => _metrics.Dispose();

    [Fact]
    public void TryEnqueue_OverTheCount_IsFull()
    {
        Assert.All(Enumerable.Range(0, 3), _ => Assert.Equal(EnqueueResult.Queued, Add(1)));
        Assert.Equal(EnqueueResult.Full, Add(1));
        Assert.True(_queue.TryDequeue(out _));
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

        Assert.True(_queue.TryDequeue(out _));
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
    public async Task Complete_KeepingTheRest_HandsItOutInOrder()
    {
        Add(1);
        Add(2);
        _queue.Complete(drop: false);

        Assert.Equal(EnqueueResult.Completed, Add(3));
        Assert.True(await _queue.WaitAsync());
        Assert.True(_queue.TryDequeue(out var first));
        Assert.True(_queue.TryDequeue(out var second));
        Assert.Equal((1, 2), (first.Length, second.Length));
        Assert.False(await _queue.WaitAsync());
        Assert.Equal(0, _metrics.Queued);
    }

    [Fact]
    public async Task Complete_Dropping_LeavesNothing()
    {
        Add(1);
        _queue.Complete(drop: true);

        Assert.False(_queue.TryDequeue(out _));
        Assert.False(await _queue.WaitAsync());
        Assert.Equal(0, _metrics.Queued);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task WaitAsync_Empty_WakesAtAMessageOrTheEnd(bool message)
    {
        var waiting = _queue.WaitAsync();
        Assert.False(waiting.IsCompleted);
        if (message)
        {
            Add(1);
        }
        else
        {
            _queue.Complete(drop: false);
        }

        Assert.Equal(message, await waiting);
    }

    [Fact]
    public async Task ManyProducers_OneConsumer_LoseNothingAndKeepEachOrder()
    {
        const int Each = 2000;
        var producers = Enumerable.Range(0, 3).Select(producer => new Thread(() =>
        {
            for (var i = 1; i <= Each;)
            {
                var message = new EncodedMessage(ArrayPool<byte>.Shared.Rent(1), 1, receivedAt: (producer * 10_000) + i);
                if (_queue.TryEnqueue(message) == EnqueueResult.Queued)
                {
                    i++;
                }
                else
                {
                    message.Return();
                    Thread.Yield();
                }
            }
        })).ToList();
        producers.ForEach(thread => thread.Start());

        var last = new long[3];
        for (var taken = 0; taken < 3 * Each;)
        {
            Assert.True(await _queue.WaitAsync());
            while (_queue.TryDequeue(out var message))
            {
                var producer = message.ReceivedAt / 10_000;
                Assert.Equal(++last[producer], message.ReceivedAt % 10_000);
                message.Return();
                taken++;
            }
        }

        producers.ForEach(thread => thread.Join());
        Assert.Equal(0, _metrics.Queued);
    }

    private EnqueueResult Add(int length) => _queue.TryEnqueue(new EncodedMessage(ArrayPool<byte>.Shared.Rent(length), length));
}
