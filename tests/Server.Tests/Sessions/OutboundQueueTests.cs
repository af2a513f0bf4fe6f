using Relay.Protocol;
using Relay.Sessions;

namespace Server.Tests.Sessions;

public sealed class OutboundQueueTests
{
    private readonly ClientSessionOptions _options = new() { QueueMessages = 3, QueueBytes = 1024 };
    private readonly OutboundQueue _queue = new();

    [Fact]
    public void TryAdd_OverTheCount_IsRefused()
    {
        Assert.All(Enumerable.Range(0, 3), _ => Assert.True(Add(1)));
        Assert.False(Add(1));
        Take();
        Assert.True(Add(1));
    }

    [Fact]
    public void TryAdd_OverTheBytes_IsRefused()
    {
        Assert.True(Add(1000));
        Assert.False(Add(25));
        Assert.True(Add(24));
        Assert.Equal((2, 1024L), (_queue.Count, _queue.Bytes));
    }

    [Fact]
    public void TryAdd_WhatMayBeLost_GetsHalf()
    {
        Assert.True(Add(512, droppable: true));
        Assert.False(Add(1, droppable: true));
        Assert.True(Add(512));
    }

    // Of three messages or 1,024 bytes: more than one message or 512 bytes are over half.
    [Theory]
    [InlineData(1, 1)]
    [InlineData(1000)]
    public async Task RoomAsync_OverHalf_WaitsUntilHalfIsTaken(params int[] lengths)
    {
        Assert.True(_queue.RoomAsync(_options).IsCompleted);
        Assert.All(lengths, length => Assert.True(Add(length)));
        var room = _queue.RoomAsync(_options);
        Assert.False(room.IsCompleted);

        Take();
        await room.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task StopWaiting_OverHalf_EndsTheWait()
    {
        Add(1000);
        var room = _queue.RoomAsync(_options);
        _queue.StopWaiting();

        await room.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private bool Add(int length, bool droppable = false)
    {
        var message = EncodedMessage.CopyOf(new byte[length]);
        if (_queue.TryAdd(message, droppable, _options))
        {
            return true;
        }

        message.Return();
        return false;
    }

    private void Take()
    {
        Assert.True(_queue.TryTake(out var message, _options));
        message.Return();
    }
}
