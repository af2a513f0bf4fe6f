using System.Collections.Concurrent;
using NATS.Client.Core;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.TestKit;

namespace Server.Tests.Cluster;

/// <summary>Two and three relays on a real NATS server.</summary>
public sealed class ClusterBusTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NatsServer _nats = null!;

    public async ValueTask InitializeAsync() => _nats = await NatsServer.StartAsync();

    public ValueTask DisposeAsync() => _nats?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task Ask_SomebodyListens_GetsTheAnswerAndWhoGaveIt()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var two = await TestNode.StartAsync(_nats.Url, "two");

        var answer = await one.Bus.AskAsync(one.Subjects.Name("two"), Hello()).WaitAsync(Patience, Token);

        Assert.Equal((AnswerStatus.Answered, "two", two.Node.Epoch, Envelope.BodyOneofCase.Acknowledged), (answer.Status, answer.Message!.Node, answer.Message.Epoch, answer.Message.BodyCase));
    }

    [Fact]
    public async Task Ask_NobodyOrOnlyTheAskerListens_IsToldAtOnce()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one", options => options.AnswerTimeout = Patience);
        await one.Bus.SubscribeAsync("relay.relay.mine", message => one.Bus.Reply(message, Hello()));
        Assert.True(await one.Bus.FlushAsync());

        var nobody = await one.Bus.AskAsync("relay.relay.nobody", Hello()).WaitAsync(Patience / 2, Token);
        var own = await one.Bus.AskAsync("relay.relay.mine", Hello()).WaitAsync(Patience / 2, Token);

        Assert.Equal((AnswerStatus.Nobody, AnswerStatus.Nobody), (nobody.Status, own.Status));
    }

    [Fact]
    public async Task Ask_NoAnswer_EndsInTime()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one", options => options.AnswerTimeout = TimeSpan.FromMilliseconds(200));
        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        await two.Bus.SubscribeAsync("relay.relay.silent", _ => { });
        Assert.True(await two.Bus.FlushAsync());

        var answer = await one.Bus.AskAsync("relay.relay.silent", Hello()).WaitAsync(Patience, Token);

        Assert.Equal(AnswerStatus.Silent, answer.Status);
    }

    [Fact]
    public async Task Send_ManyFromManyThreads_ComeInTheOrderOfEachThread()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        var came = new ConcurrentQueue<string>();
        var all = new TaskCompletionSource();
        await two.Bus.SubscribeAsync("relay.relay.order.*", message =>
        {
            came.Enqueue(message.ReplyTo!);
            if (came.Count == 8000)
            {
                all.TrySetResult();
            }
        });
        Assert.True(await two.Bus.FlushAsync());

        await Task.WhenAll(Enumerable.Range(0, 4).Select(thread => Task.Run(() =>
        {
            for (var i = 0; i < 2000; i++)
            {
                Assert.True(one.Bus.TrySend($"relay.relay.order.{thread}", Hello(), $"{thread}.{i}"));
            }
        }, Token)));
        await all.Task.WaitAsync(Patience, Token);

        foreach (var thread in came.GroupBy(number => number[0]))
        {
            Assert.Equal(Enumerable.Range(0, 2000).Select(i => $"{thread.Key}.{i}"), thread);
        }
    }

    [Fact]
    public async Task Start_TwoOfOneName_TheSecondIsToldWhatToDo()
    {
        await using var first = await TestNode.StartAsync(_nats.Url, "same");

        var error = await Assert.ThrowsAsync<ClusterException>(() => TestNode.StartAsync(_nats.Url, "same"));

        Assert.Equal("there is a relay called same in the cluster relay already; give this one another name with Cluster:Node", error.Message);
    }

    [Fact]
    public async Task Start_WrongPassword_IsToldSoWithoutIt()
    {
        await using var locked = await NatsServer.StartAsync("authorization { user: relay, password: right }");
        var url = $"nats://relay:wr0ng@127.0.0.1:{locked.Port}";

        var error = await Assert.ThrowsAsync<ClusterException>(() => TestNode.StartAsync(url, "one"));

        Assert.Contains("refuses this relay", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("wr0ng", error.Message, StringComparison.Ordinal);
        await using var node = await TestNode.StartAsync($"nats://relay:right@127.0.0.1:{locked.Port}", "one");
        Assert.True(node.Bus.IsUp);
    }

    [Fact]
    public async Task Start_NoServerAndRequired_IsToldSo()
    {
        await _nats.KillAsync();

        var error = await Assert.ThrowsAsync<ClusterException>(() => TestNode.StartAsync(_nats.Url, "one", options => options.Required = true));

        Assert.Contains("no NATS server at " + _nats.Url, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoServer_GoesOnAloneAndIsConnectedLater()
    {
        await _nats.KillAsync();
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        var connected = new TaskCompletionSource();
        one.Connection.Connected += () => connected.TrySetResult();
        await one.Bus.SubscribeAsync("relay.relay.late", message => one.Bus.Reply(message, Hello()));
        Assert.Equal((false, AnswerStatus.Away), (one.Bus.IsUp, (await one.Bus.AskAsync("relay.relay.x", Hello())).Status));

        await _nats.RestartAsync();
        await connected.Task.WaitAsync(Patience, Token);
        await using var two = await TestNode.StartAsync(_nats.Url, "two");

        Assert.Equal(AnswerStatus.Answered, (await two.Bus.AskAsync("relay.relay.late", Hello()).WaitAsync(Patience, Token)).Status);
        Assert.Equal(AnswerStatus.Answered, (await one.Bus.AskAsync(one.Subjects.Name("two"), Hello()).WaitAsync(Patience, Token)).Status);
    }

    [Fact]
    public async Task Restart_OfTheServer_BringsSubscriptionsBack()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        var (gone, back) = (new TaskCompletionSource(), new TaskCompletionSource());
        two.Connection.Disconnected += () => gone.TrySetResult();
        await _nats.KillAsync();
        await gone.Task.WaitAsync(Patience, Token);
        two.Connection.Connected += () => back.TrySetResult();
        await _nats.RestartAsync();
        await back.Task.WaitAsync(Patience, Token);

        await WaitUntilAsync(async () => (await one.Bus.AskAsync(one.Subjects.Name("two"), Hello())).Status == AnswerStatus.Answered);
    }

    [Fact]
    public async Task Servers_OneOfTwoDies_RelaysMeetOnTheOther()
    {
        var pair = await NatsServer.StartPairAsync();
        await using var first = pair[0];
        await using var second = pair[1];
        string[] both = [first.Url, second.Url];
        await using var one = await TestNode.StartAsync(first.Url, "one", options => options.Nats = both);
        await using var two = await TestNode.StartAsync(second.Url, "two", options => options.Nats = both);
        await WaitUntilAsync(async () => (await one.Bus.AskAsync(one.Subjects.Name("two"), Hello())).Status == AnswerStatus.Answered);

        await first.KillAsync();

        await WaitUntilAsync(async () => (await one.Bus.AskAsync(one.Subjects.Name("two"), Hello())).Status == AnswerStatus.Answered);
        await using var late = await TestNode.StartAsync(first.Url, "late", options => (options.Nats, options.Required) = (both, true));
        Assert.Equal(AnswerStatus.Answered, (await late.Bus.AskAsync(late.Subjects.Name("two"), Hello()).WaitAsync(Patience, Token)).Status);
    }

    [Fact]
    public async Task Unsubscribe_IsNotHeardAnyMore()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        var subscription = await two.Bus.SubscribeAsync("relay.relay.short", message => two.Bus.Reply(message, Hello()));
        Assert.True(await two.Bus.FlushAsync());
        var before = await one.Bus.AskAsync("relay.relay.short", Hello()).WaitAsync(Patience, Token);

        await two.Bus.UnsubscribeAsync(subscription);
        Assert.True(await two.Bus.FlushAsync());
        var after = await one.Bus.AskAsync("relay.relay.short", Hello()).WaitAsync(Patience, Token);

        Assert.Equal((AnswerStatus.Answered, AnswerStatus.Nobody), (before.Status, after.Status));
    }

    [Theory]
    [InlineData("not protobuf at all")]
    [InlineData("")]
    [InlineData("\u0008\u0009")]
    public async Task Receive_WhatNoRelaySends_IsCountedAndHurtsNobody(string text)
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var stranger = new NatsConnection(NatsOpts.Default with { Url = _nats.Url });
        await stranger.PublishAsync(one.Subjects.Name("one"), text, cancellationToken: Token);
        await WaitUntilAsync(() => Task.FromResult(one.Bus.Counts.Refused == 1));

        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        Assert.Equal(AnswerStatus.Answered, (await two.Bus.AskAsync(two.Subjects.Name("one"), Hello()).WaitAsync(Patience, Token)).Status);
    }

    [Fact]
    public async Task Receive_HandlerThatThrows_HearsTheNextMessage()
    {
        await using var one = await TestNode.StartAsync(_nats.Url, "one");
        await using var two = await TestNode.StartAsync(_nats.Url, "two");
        var calls = 0;
        var second = new TaskCompletionSource();
        await two.Bus.SubscribeAsync("relay.relay.bad", _ =>
        {
            if (++calls == 2)
            {
                second.TrySetResult();
            }

            throw new InvalidOperationException();
        });
        Assert.True(await two.Bus.FlushAsync());

        one.Bus.TrySend("relay.relay.bad", Hello());
        one.Bus.TrySend("relay.relay.bad", Hello());

        await second.Task.WaitAsync(Patience, Token);
    }

    private static Envelope Hello() => new() { Hello = new Hello() };

    private static async Task WaitUntilAsync(Func<Task<bool>> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!await condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
