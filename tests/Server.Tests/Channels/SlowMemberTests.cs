using Relay.Sessions;

namespace Server.Tests.Channels;

/// <summary>Members that read slowly, in channels of hostile owners and among hostile subscribers.</summary>
public sealed class SlowMemberTests
{
    [Fact]
    public void Subscriber_OfAHostileOwner_IsNotClosedAndStillHearsOthers()
    {
        using var server = new ChannelServer();
        var (hostile, honest) = (server.Connect(address: 1), server.Connect(address: 2));
        hostile.Own("noise");
        honest.Own("news");
        var slow = server.Connect(stuck: true, address: 3);
        slow.Subscribe("noise");
        slow.Subscribe("news");
        for (var i = 0; i < 1000; i++)
        {
            hostile.Start("noise", $"{i}");
            hostile.End("noise", $"{i}");
        }

        honest.Start("news", "evening");
        Assert.False(slow.Client.Session.IsClosing);
        Assert.InRange(slow.Client.Session.Queued.Messages, 1, 2 + 33);
        slow.Socket.Read();
        Assert.Contains("""{"type":"stream-start","streamId":"evening","channelId":"news"}""", slow.Socket.Heard);
    }

    [Fact]
    public async Task Subscriber_WithFramesWaiting_StillHearsStartAndEnd()
    {
        using var server = new ChannelServer();
        var owner = server.Connect();
        owner.Own("news");
        var slow = server.Connect(stuck: true);
        slow.Subscribe("news");
        owner.Start("news", "1");
        for (var i = 0; i < 300; i++)
        {
            owner.Frame("news", "1", "\"x\"");
        }

        owner.End("news", "1");
        slow.Socket.Read();
        await server.UntilAsync(() => slow.Socket.Heard.Count >= 130, "what waited was read");
        Assert.InRange(slow.Socket.Heard.Count, 130, 131);
        Assert.Contains("stream-end", slow.Socket.Heard[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Owner_OfAHostileSubscriber_GetsTheOthersMessagesFirst()
    {
        using var server = new ChannelServer();
        var owner = server.Connect(stuck: true, address: 3);
        owner.Own("news");
        var (hostile, honest) = (server.Connect(address: 1), server.Connect(address: 2));
        hostile.Subscribe("news");
        honest.Subscribe("news");
        for (var i = 0; i < 60; i++)
        {
            hostile.Upstream("news", "\"noise\"");
        }

        honest.Upstream("news", "\"one\"");
        honest.Upstream("news", "\"two\"");
        Assert.False(owner.Client.Session.IsClosing);
        owner.Socket.Read();
        await server.UntilAsync(() => owner.Socket.Heard.Count == 1 + 60 + 2, "all was delivered");

        var heard = owner.Socket.Heard.ToList();
        var (one, two) = (heard.FindIndex(text => text.Contains("\"one\"", StringComparison.Ordinal)), heard.FindIndex(text => text.Contains("\"two\"", StringComparison.Ordinal)));
        Assert.InRange(one, 1, 1 + (new ClientSessionOptions().QueueMessages / 8));
        Assert.Equal(one + 1, two);
        Assert.Equal(0, server.Table.Counts().UpstreamDropped);
    }
}
