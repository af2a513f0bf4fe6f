using System.Text.Json;
using Relay.Sessions;

namespace Server.Tests.Channels;

/// <summary>Owners and subscribers that come and go on several threads while messages go both ways.</summary>
public sealed class ChannelConcurrencyTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>
    /// What each subscriber hears, whenever it came: that it subscribes, then of each stream its start once, all frames from
    /// then on, and its end. The queues are large enough for a reader that gets no time.
    /// </summary>
    [Fact]
    public async Task Stream_SubscribersAndOwnersComeAndGo_EachHearsItInOrder()
    {
        var cancel = TestContext.Current.CancellationToken;
        using var server = new ChannelServer(sessions: new ClientSessionOptions { QueueMessages = 100_000, QueueBytes = 1 << 30 });
        var over = false;
        // The owner's alone.
        var streamId = 0;
        var frames = 0L;
        var first = server.Connect();
        first.Subscribe("news");
        var owners = Enumerable.Range(0, 2).Select(seed => Task.Run(async () =>
        {
            var random = new Random(seed);
            for (var visit = 0; visit < 100 || !Volatile.Read(ref over);)
            {
                var owner = server.Connect();
                while (server.Table.OwnerOf("news") != owner.Client)
                {
                    SpinWait.SpinUntil(() => server.Table.Counts().Owned == 0, Patience);
                    owner.Own("news");
                }

                visit++;
                for (var streams = random.Next(1, 6); streams > 0; streams--)
                {
                    // Now and then a start replaces a stream that was not ended, and a leaving owner leaves one live.
                    var id = $"{++streamId}";
                    owner.Start("news", id);
                    for (var frame = random.Next(20); frame > 0; frame--)
                    {
                        owner.Frame("news", id, $"{++frames}");
                    }

                    if (random.Next(3) > 0)
                    {
                        owner.End("news", id);
                    }
                }

                await owner.LeaveAsync();
            }
        }, cancel)).ToList();
        var heard = await Task.WhenAll(Enumerable.Range(0, 3).Select(reader => Task.Run(async () =>
        {
            var random = new Random(100 + reader);
            var visits = new List<IReadOnlyList<string>>();
            for (var visit = 0; visit < 400; visit++)
            {
                var member = server.Connect();
                member.Subscribe("news");
                Thread.SpinWait(random.Next(5000));
                visits.Add(await member.LeaveAsync());
            }

            return visits;
        }, cancel))).WaitAsync(Patience, cancel);
        Volatile.Write(ref over, true);
        await Task.WhenAll(owners).WaitAsync(Patience, cancel);

        var all = await first.LeaveAsync();
        AssertInOrder(all);
        Assert.All(heard.SelectMany(one => one), AssertInOrder);
        var counts = server.Table.Counts();
        Assert.Equal(default, counts with { FramesSent = 0 });
        Assert.Equal(frames, all.Count(message => Type(message) == "stream-frame"));
        Assert.Equal(counts.FramesSent, heard.SelectMany(one => one).Append(all).Sum(one => one.Count(message => Type(message) == "stream-frame")));
    }

    /// <summary>
    /// A channel is free only when its audience has been told that the stream has ended: else the end could reach somebody
    /// after the start of the next owner's stream. Its connection shows the moment of the telling.
    /// </summary>
    [Fact]
    public async Task Owner_Leaves_ChannelIsFreeOnlyWhenTheEndIsTold()
    {
        using var server = new ChannelServer();
        var owner = server.Connect();
        owner.Own("news");
        var subscriber = server.Connect();
        subscriber.Subscribe("news");
        owner.Start("news", "1");
        var next = server.Connect();
        var tried = 0;
        subscriber.Socket.Sending = () =>
        {
            next.Own("news");
            tried++;
        };

        server.Channels.Leave(owner.Client);

        Assert.Equal(1, tried);
        Assert.Contains("stream-end", subscriber.Socket.Heard[^1], StringComparison.Ordinal);
        Assert.NotSame(next.Client, server.Table.OwnerOf("news"));
        next.Own("news");
        Assert.Same(next.Client, server.Table.OwnerOf("news"));
        await owner.LeaveAsync();
    }

    /// <summary>
    /// Each subscriber's messages reach the owners one after another, whether they waited or not; an owner is told that it is
    /// one after what waited for it.
    /// </summary>
    [Fact]
    public async Task Upstream_OwnersComeAndGo_EachSendersOrderIsKept()
    {
        const int Senders = 3;
        var cancel = TestContext.Current.CancellationToken;
        using var server = new ChannelServer();
        var left = Senders;
        var senders = Enumerable.Range(0, Senders).Select(sender => Task.Run(async () =>
        {
            var member = server.Connect();
            member.Subscribe("news");
            for (var i = 1; i <= 3000; i++)
            {
                member.Upstream("news", $$"""{"from":{{sender}},"number":{{i}}}""");
                if (i % 50 == 0)
                {
                    await Task.Yield();
                }
            }

            Interlocked.Decrement(ref left);
            await member.LeaveAsync();
        }, cancel)).ToList();
        var heard = new List<IReadOnlyList<string>>();
        var random = new Random(1);
        do
        {
            var owner = server.Connect();
            owner.Own("news");
            Thread.SpinWait(random.Next(20_000));
            heard.Add(await owner.LeaveAsync());
        }
        while (Volatile.Read(ref left) > 0);
        await Task.WhenAll(senders).WaitAsync(Patience, cancel);
        var lastOwner = server.Connect();
        lastOwner.Own("news");
        heard.Add(await lastOwner.LeaveAsync());

        var last = new int[Senders];
        foreach (var message in heard.SelectMany(one => one).Where(message => Type(message) == "upstream-message"))
        {
            var content = JsonDocument.Parse(message).RootElement.GetProperty("message");
            var (sender, number) = (content.GetProperty("from").GetInt32(), content.GetProperty("number").GetInt32());
            Assert.InRange(number, last[sender] + 1, int.MaxValue);
            last[sender] = number;
        }

        Assert.True(last.Sum() > 0, "something arrived");
        Assert.All(heard, one => Assert.InRange(one.Count(message => Type(message) == "channel-owner-registered"), 0, 1));
        Assert.Equal("channel-owner-registered", Type(heard[^1][^1]));
        Assert.Equal(default, server.Table.Counts() with { UpstreamDropped = 0 });
    }

    private static void AssertInOrder(IReadOnlyList<string> messages)
    {
        Assert.Equal("channel-subscribed", Type(messages[0]));
        var (live, lastStream, lastFrame) = (0, 0, 0L);
        foreach (var message in messages.Skip(1))
        {
            var fields = JsonDocument.Parse(message).RootElement;
            var stream = int.Parse(fields.GetProperty("streamId").GetString()!, null);
            switch (Type(message))
            {
                case "stream-start":
                    Assert.InRange(stream, lastStream + 1, int.MaxValue);
                    live = lastStream = stream;
                    lastFrame = 0;
                    break;
                case "stream-end":
                    Assert.Equal(live, stream);
                    live = 0;
                    break;
                default:
                    Assert.Equal((live, "stream-frame"), (stream, Type(message)));
                    var frame = fields.GetProperty("frame").GetInt64();
                    Assert.True(lastFrame == 0 || frame == lastFrame + 1, $"frame {frame} after {lastFrame}");
                    lastFrame = frame;
                    break;
            }
        }
    }

    private static string Type(string message) => JsonDocument.Parse(message).RootElement.GetProperty("type").GetString()!;
}
