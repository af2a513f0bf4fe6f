using Relay.Addresses;
using Relay.Protocol;
using Relay.Sessions;

namespace Server.Tests.Sessions;

public sealed class OutboundQueueTests
{
    private readonly ClientSessionOptions _options = new() { QueueMessages = 3, QueueBytes = 1024 };
    private readonly OutboundQueue _queue = new();
    private int _displaced;

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

    // Of 1,024 bytes: an eighth is 128.
    [Fact]
    public void TryAdd_OfOneAddress_GetsAnEighth()
    {
        _options.QueueMessages = 1024;
        Assert.True(Pass(100, sender: 1));
        Assert.False(Pass(29, sender: 1));
        Assert.True(Pass(28, sender: 1));
        Assert.True(Pass(100, sender: 2));
    }

    [Fact]
    public void TryAdd_OfManyAddresses_GetsHalf()
    {
        _options.QueueMessages = 1024;
        Assert.All(Enumerable.Range(1, 4), network => Assert.True(Pass(128, network << 8)));
        Assert.False(Pass(129, 5 << 8));
        Assert.Equal((4, 512L), (_queue.Count, _queue.Bytes));
    }

    [Theory]
    [InlineData(200)]
    [InlineData(5000)]
    public void TryAdd_OneMessageOfAnAddress_FitsWhereNothingWaits(int length)
    {
        Assert.True(Pass(length, sender: 1));
        Assert.False(Pass(1, sender: 1));
    }

    // A message counts for 256 of 1,024 bytes where there are four places.
    [Fact]
    public void TryAdd_ManySmallMessages_CountAsPlaces()
    {
        _options.QueueMessages = 4;
        Assert.True(Pass(1, 1 << 8));
        Assert.False(Pass(1, 1 << 8));
        Assert.True(Pass(1, 2 << 8));
        Assert.False(Pass(1, 3 << 8));
    }

    [Fact]
    public void TryAdd_HalfIsFull_ANewAddressDisplacesTheNewestOfWhoHasMost()
    {
        _options.QueueMessages = 1024;
        _options.SenderDivisor = 4;
        Assert.All([100, 101, 55], length => Assert.True(Pass(length, 1 << 8)));
        Assert.All([126, 127], length => Assert.True(Pass(length, 2 << 8)));
        Assert.True(Pass(40, 3 << 8));
        Assert.Equal(1, _displaced);
        Assert.Equal([100, 101, 126, 127, 40], Lengths());
    }

    // Of /64s in one /56 each holds one message; together they hold more than their network may.
    [Fact]
    public void TryAdd_OneNetworkFillsHalf_ANewAddressDisplacesOneOfIt()
    {
        _options.QueueMessages = 64;
        for (var i = 0; i < 32; i++)
        {
            Assert.True(PassFrom(IpKey.FromIpv6(0x2001_0db8_0001_0000 + (ulong)i, 0).TruncateIpv6(64)));
        }

        Assert.False(PassFrom(IpKey.FromIpv6(0x2001_0db8_0001_00ff, 0).TruncateIpv6(64)));
        Assert.True(PassFrom(IpKey.FromIpv4(1)));
    }

    [Fact]
    public async Task TryAdd_WhatOthersSend_TakesNothingFromTheReceiversOwn()
    {
        Assert.True(Pass(512, sender: 1));
        Assert.True(_queue.RoomAsync(_options).IsCompleted);
        Assert.False(_queue.HasAsked);
        Assert.All(Enumerable.Range(0, 3), _ => Assert.True(Add(341)));
        Assert.False(Add(1));
        Assert.True(_queue.HasAsked);
        var room = _queue.RoomAsync(_options);
        Assert.False(room.IsCompleted);

        Assert.All(Enumerable.Range(0, 3), _ => Take());
        await room.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private bool PassFrom(IpKey sender)
    {
        var message = EncodedMessage.CopyOf([1]);
        if (_queue.TryAdd(new QueuedMessage(message, SendKind.Unasked, sender), _options, out _))
        {
            return true;
        }

        message.Return();
        return false;
    }

    private List<int> Lengths()
    {
        var lengths = new List<int>();
        while (_queue.TryTake(out var message, _options))
        {
            lengths.Add(message.Message.Length);
            message.Message.Return();
        }

        return lengths;
    }

    private bool Add(int length, bool droppable = false) => Add(length, droppable ? SendKind.Frame : SendKind.Asked, 0);

    private bool Add(int length, SendKind kind, int sender)
    {
        var message = EncodedMessage.CopyOf(new byte[length]);
        if (_queue.TryAdd(new QueuedMessage(message, kind, IpKey.FromIpv4((uint)sender)), _options, out var displaced))
        {
            _displaced += displaced;
            return true;
        }

        message.Return();
        return false;
    }

    private bool Pass(int length, int sender) => Add(length, SendKind.Unasked, sender);

    private void Take()
    {
        Assert.True(_queue.TryTake(out var message, _options));
        message.Message.Return();
    }
}
