using System.Text.Json;
using Relay.Channels;
using Relay.Sessions;

namespace Server.Tests.Channels;

/// <summary>Upstream messages whose owner is away or busy: what waits, what is dropped, and what an owner gets.</summary>
public sealed class UpstreamTests
{
    private const string Confirmation = """{"type":"channel-owner-registered","channelId":"news"}""";

    private readonly ChannelOptions _channels = new() { UpstreamPerMinute = 100_000 };
    private readonly ClientSessionOptions _sessions = new() { QueueMessages = 10 };

    /// <summary>Far more waits than an owner's outgoing queue takes: the owner gets all of it as it reads, and is not closed.</summary>
    [Fact]
    public async Task Owner_OfLongBacklogs_GetsAllAndThenItsConfirmations()
    {
        string[] channels = ["a", "b", "c"];
        using var server = new ChannelServer(_channels, _sessions);
        var sender = server.Connect();
        foreach (var channel in channels)
        {
            sender.Subscribe(channel);
            Post(sender, channel, 1, 20);
        }

        var owner = server.Connect(stuck: true);
        channels.ToList().ForEach(owner.Own);
        server.Time.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(3, server.Table.Counts().Owned);
        owner.Socket.Read();
        await server.UntilAsync(() => server.Table.Counts().Waiting == 0 && owner.Socket.Heard.Count == 63, "all was delivered");

        Assert.All(channels, channel => Assert.Equal(
            [.. Enumerable.Range(1, 20).Select(i => $"{i}"), "channel-owner-registered"], ContentsFor(owner, channel)));
        Assert.False(owner.Client.Session.IsClosing);
        Assert.Equal(0, server.Table.Counts().UpstreamDropped);
    }

    [Fact]
    public async Task Owner_BusyWithACrowd_IsNotClosedAndGetsWhatWaited()
    {
        _channels.UpstreamQueue = 20;
        using var server = new ChannelServer(_channels, _sessions);
        var owner = server.Connect(stuck: true);
        owner.Own("news");
        await owner.Socket.Asked.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        var senders = Enumerable.Range(1, 10).Select(address => server.Connect(address: address)).ToList();
        senders.ForEach(sender => sender.Subscribe("news"));

        for (var i = 1; i <= 50; i++)
        {
            Post(senders[i % 10], "news", i, i);
        }

        var counts = server.Table.Counts();
        Assert.False(owner.Client.Session.IsClosing);

        // The confirmation is on its way; five of ten places in the outgoing queue are for what may wait.
        Assert.Equal((20, 25L), (counts.Waiting, counts.UpstreamDropped));
        owner.Socket.Read();
        await server.UntilAsync(() => owner.Socket.Heard.Count == 1 + 25, "what waited was delivered");
        Assert.Equal(["channel-owner-registered", .. Enumerable.Range(1, 25).Select(i => $"{i}")], ContentsFor(owner, "news"));
        Assert.Equal(0, server.Table.Counts().Waiting);
    }

    /// <summary>The message is 1,000 bytes and waits as 1,256.</summary>
    [Theory]
    [InlineData(3, 1_000_000, 1_000_000, 3)]
    [InlineData(100, 5_024, 1_000_000, 4)]
    [InlineData(100, 5_023, 1_000_000, 3)]
    [InlineData(100, 1_000_000, 7_536, 6)]
    [InlineData(100, 1_000_000, 7_535, 5)]
    public void Queue_OverABound_DropsAndCounts(int perChannel, int bytesPerChannel, int bytes, int expected)
    {
        (_channels.UpstreamQueue, _channels.UpstreamQueueBytes, _channels.UpstreamTotalBytes) = (perChannel, bytesPerChannel, bytes);
        using var server = new ChannelServer(_channels, _sessions);
        var sender = server.Connect();
        sender.Subscribe("news");
        sender.Subscribe("more");
        var envelope = """{"type":"upstream-message","channelId":"news","message":"","ephemeralPublicKey":"k"}""".Length;

        for (var i = 0; i < 10; i++)
        {
            sender.Upstream("news", $"\"{new string('x', 1_000 - envelope)}\"");
        }

        var counts = server.Table.Counts();
        Assert.Equal((expected, expected * 1_256L, 10L - expected), (counts.Waiting, counts.WaitingBytes, counts.UpstreamDropped));
        Assert.Equal(expected, server.Table.Snapshot().Single(channel => channel.ChannelId == "news").Waiting);

        // What is full in all is full for others too; what is full for one channel is not.
        sender.Upstream("more", $"\"{new string('x', 1_000 - envelope)}\"");
        Assert.Equal(bytes < 1_000_000 ? expected : expected + 1, server.Table.Counts().Waiting);
    }

    [Fact]
    public async Task Queue_MessageThatNoOwnerCouldTake_IsDroppedAndHoldsUpNobody()
    {
        _sessions.QueueBytes = 2048;
        using var server = new ChannelServer(_channels, _sessions);
        var sender = server.Connect();
        sender.Subscribe("news");
        sender.Upstream("news", $"\"{new string('x', 1_000)}\"");
        Post(sender, "news", 1, 1);

        var owner = server.Connect();
        owner.Own("news");
        await server.UntilAsync(() => owner.Socket.Heard.Count == 2, "the rest was delivered");

        Assert.Equal(["1", "channel-owner-registered"], ContentsFor(owner, "news"));
        Assert.Equal(1, server.Table.Counts().UpstreamDropped);
    }

    /// <summary>A message waits for its time and no longer, whoever has left meanwhile; then nothing of it is left.</summary>
    [Theory]
    [InlineData(299, 1)]
    [InlineData(300, 0)]
    public async Task Queue_NobodyComes_ForgetsMessagesAndChannel(int seconds, int expected)
    {
        using var server = new ChannelServer(_channels, _sessions);
        var sender = server.Connect();
        sender.Subscribe("news");
        Post(sender, "news", 1, 1);
        await sender.LeaveAsync();
        Assert.Equal(1, server.Table.Counts().Channels);

        server.Time.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal(new ChannelCounts { Channels = expected, Waiting = expected, WaitingBytes = server.Table.Counts().WaitingBytes, UpstreamDropped = 1 - expected }, server.Table.Counts());
        Assert.Equal(expected == 0, server.Table.Counts().WaitingBytes == 0);
        var owner = server.Connect();
        owner.Own("news");
        var heard = await owner.LeaveAsync();
        Assert.Equal((1 + expected, Confirmation), (heard.Count, heard[^1]));
    }

    private static void Post(Member sender, string channel, int first, int last)
    {
        for (var i = first; i <= last; i++)
        {
            sender.Upstream(channel, $"{i}");
        }
    }

    // Contents of messages, types of the rest.
    private static List<string> ContentsFor(Member member, string channel) =>
    [
        .. member.Socket.Heard.Select(text => JsonDocument.Parse(text).RootElement)
            .Where(message => message.GetProperty("channelId").GetString() == channel)
            .Select(message => message.TryGetProperty("message", out var content) ? content.GetRawText() : message.GetProperty("type").GetString()!),
    ];
}
