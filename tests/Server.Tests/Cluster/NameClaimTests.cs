using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Relay.TestKit;

namespace Server.Tests.Cluster;

/// <summary>Claims of one name on several relays: one gets it, on a real NATS server.</summary>
public sealed class NameClaimTests : IAsyncLifetime
{
    private const string Alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    private const int AtOnce = 250;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NatsServer _nats = null!;

    public async ValueTask InitializeAsync() => _nats = await NatsServer.StartAsync();

    public ValueTask DisposeAsync() => _nats?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Theory]
    [InlineData(2, 10_000)]
    [InlineData(3, 3_000)]
    public async Task Claim_OnSeveralRelaysAtOnce_OneGetsIt(int relays, int names)
    {
        var nodes = await StartAsync(relays);
        foreach (var batch in Enumerable.Range(0, names).Chunk(AtOnce))
        {
            // Now the older relay asks first, now the younger.
            var claims = batch.Select(number => (code: Code(number), tasks: (number % 2 == 0 ? nodes : nodes.Reverse())
                .Select(node => node.ClaimAsync(node.Connect(), Code(number), node.Epoch.ToString("x")))
                .ToList())).ToList();
            foreach (var (code, tasks) in claims)
            {
                Assert.True((await Task.WhenAll(tasks)).Count(taken => taken) == 1, code);
            }
        }

        // Those that lost have left nothing behind.
        Assert.Equal((names, names), (nodes.Sum(node => node.Table.Count), nodes.Sum(node => node.Directory.Counts().Codes)));
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_WhileOthersComeAndGo_IsNeverTwice()
    {
        const int Names = 6;
        const int Rounds = 300;
        var nodes = await StartAsync(3, new ClientOptions { NameHold = TimeSpan.Zero });
        var holders = new int[Names];
        var taken = 0;
        await Task.WhenAll(nodes.SelectMany(node => Enumerable.Range(0, 4).Select(worker => Task.Run(
            async () =>
            {
                var random = new Random((int)node.Epoch + worker);
                for (var i = 0; i < Rounds; i++)
                {
                    var name = random.Next(Names);
                    var client = node.Connect();
                    if (await node.ClaimAsync(client, Code(name), $"{node.Epoch:x}-{worker}"))
                    {
                        Assert.Equal(1, Interlocked.Increment(ref holders[name]));
                        Interlocked.Increment(ref taken);
                        await Task.Yield();
                        Interlocked.Decrement(ref holders[name]);
                    }

                    node.Leave(client);
                }
            },
            Token))));

        Assert.True(taken > Names, $"{taken} claims were won");
        Assert.Equal(0, nodes.Sum(node => node.Directory.Counts().Codes));
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_OfEstablishedNames_NeverSucceeds()
    {
        var nodes = await StartAsync(3);
        var codes = Enumerable.Range(0, AtOnce).Select(number => Code(number)).ToList();
        Assert.All(await Task.WhenAll(codes.Select(code => nodes[0].ClaimAsync(nodes[0].Connect(), code, "key"))), Assert.True);

        var others = await Task.WhenAll(codes.SelectMany(code => nodes.Skip(1).Select(node => node.ClaimAsync(node.Connect(), code, "other"))));

        Assert.All(others, Assert.False);
        Assert.Equal([AtOnce, 0, 0], nodes.Select(node => node.Table.Count));
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_OfAHeldName_IsForItsKeyUntilTheHoldEnds()
    {
        var nodes = await StartAsync(2, new ClientOptions { NameHold = TimeSpan.FromSeconds(2) });
        var first = nodes[0].Connect();
        Assert.True(await nodes[0].ClaimAsync(first, "AAAAAA", "key"));
        var second = nodes[0].Connect();
        Assert.True(await nodes[0].ClaimAsync(second, "BBBBBB", "key"));
        nodes[0].Leave(first);
        nodes[0].Leave(second);

        Assert.False(await nodes[1].ClaimAsync(nodes[1].Connect(), "AAAAAA", "other"));
        Assert.True(await nodes[1].ClaimAsync(nodes[1].Connect(), "AAAAAA", "key"));
        await WaitUntilAsync(() => nodes[0].Table.Count == 0);
        Assert.True(await nodes[1].ClaimAsync(nodes[1].Connect(), "BBBBBB", "other"));

        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_ByTheKeyOfAClientThatHasJustLeft_NeedsNoQuestion()
    {
        var nodes = await StartAsync(2);
        var client = nodes[0].Connect();
        Assert.True(await nodes[0].ClaimAsync(client, "AAAAAA", "key"));
        nodes[0].Leave(client);
        var sent = nodes[0].Bus.Counts.Sent;

        Assert.True(await nodes[0].ClaimAsync(nodes[0].Connect(), "AAAAAA", "key"));

        Assert.Equal(sent, nodes[0].Bus.Counts.Sent);
        Assert.False(await nodes[1].ClaimAsync(nodes[1].Connect(), "AAAAAA", "other"));
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_ClientLeavesMeanwhile_LeavesNothingBehind()
    {
        var nodes = await StartAsync(2);
        var claims = Enumerable.Range(0, AtOnce).Select(number =>
        {
            var client = nodes[0].Connect();
            var claim = nodes[0].ClaimAsync(client, Code(number), "key");
            nodes[0].Leave(client);
            return claim;
        }).ToList();
        var won = await Task.WhenAll(claims);

        // It never was its client's, so that it is not held either; unless the relay was faster than this test.
        var meanwhile = Enumerable.Range(0, AtOnce).Where(number => !won[number]).ToList();
        Assert.NotEmpty(meanwhile);
        Assert.All(await Task.WhenAll(meanwhile.Select(number => nodes[1].ClaimAsync(nodes[1].Connect(), Code(number), "other"))), Assert.True);
        Assert.InRange(nodes[0].Table.Count, 0, AtOnce - meanwhile.Count);
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Claim_HolderDoesNotAnswer_IsWonInTime()
    {
        await using var node = await NameNode.StartAsync(_nats.Url, "one", answerTimeout: TimeSpan.FromMilliseconds(300));
        await using var stopped = await TestNode.StartAsync(_nats.Url, "stopped");
        await stopped.Bus.SubscribeAsync(node.Subjects.Holder("code", "AAAAAA"), _ => { });
        Assert.True(await stopped.Bus.FlushAsync());

        Assert.True(await node.ClaimAsync(node.Connect(), "AAAAAA", "key"));
    }

    [Fact]
    public async Task Established_TwoOfOneName_TheLaterIsClosed()
    {
        var nodes = await StartAsync(2);
        var holder = nodes[0].Connect();
        Assert.True(await nodes[0].ClaimAsync(holder, "AAAAAA", "key"));
        var subject = nodes[1].Subjects.Holder("code", "AAAAAA");
        var later = new Envelope { NameClaim = new NameClaim { Key = "other", Session = 1, EstablishedAt = (ulong)DateTimeOffset.UtcNow.AddHours(1).ToUnixTimeMilliseconds() } };
        var earlier = new Envelope { NameClaim = new NameClaim { Key = "other", Session = 1, EstablishedAt = 1 } };

        var toLater = await nodes[1].Bus.AskAsync(subject, later).WaitAsync(Patience, Token);
        Assert.Equal((NameAnswer.Types.Result.Held, CloseReason.None), (toLater.Message!.NameAnswer.Result, holder.Session.CloseReason));
        var toEarlier = await nodes[1].Bus.AskAsync(subject, earlier).WaitAsync(Patience, Token);

        Assert.Equal((NameAnswer.Types.Result.Free, CloseReason.NameConflict), (toEarlier.Message!.NameAnswer.Result, holder.Session.CloseReason));
        Assert.Equal(AnswerStatus.Nobody, (await nodes[1].Bus.AskAsync(subject, new Envelope { NameClaim = new NameClaim() }).WaitAsync(Patience, Token)).Status);
        await DisposeAsync(nodes);
    }

    [Fact]
    public async Task Established_OtherHolderIsSilentAtFirst_IsAskedUntilItAnswers()
    {
        await using var node = await NameNode.StartAsync(_nats.Url, "one", answerTimeout: TimeSpan.FromMilliseconds(300));
        await using var earlier = await TestNode.StartAsync(_nats.Url, "earlier");
        var holder = node.Connect();
        Assert.True(await node.ClaimAsync(holder, "AAAAAA", "key"));
        var (asked, answers) = (0, false);
        await earlier.Bus.SubscribeAsync(node.Subjects.Holder("code", "AAAAAA"), message =>
        {
            if (message.Envelope is { NameClaim.EstablishedAt: > 0 } && message.Envelope.Epoch == node.Epoch)
            {
                Interlocked.Increment(ref asked);
                if (Volatile.Read(ref answers))
                {
                    earlier.Bus.Reply(message, new Envelope { NameAnswer = new NameAnswer { Result = NameAnswer.Types.Result.Held } });
                }
            }
        });
        Assert.True(await earlier.Bus.FlushAsync());

        // One time consists of three questions.
        await WaitUntilAsync(() => Volatile.Read(ref asked) > 4);
        Assert.Equal(CloseReason.None, holder.Session.CloseReason);
        Volatile.Write(ref answers, true);

        await WaitUntilAsync(() => holder.Session.CloseReason == CloseReason.NameConflict);
    }

    private async Task<IReadOnlyList<NameNode>> StartAsync(int relays, ClientOptions? options = null)
    {
        var nodes = new List<NameNode>();
        for (var i = 0; i < relays; i++)
        {
            nodes.Add(await NameNode.StartAsync(_nats.Url, $"node-{i}", options));
        }

        return nodes;
    }

    private static async Task DisposeAsync(IReadOnlyList<NameNode> nodes)
    {
        foreach (var node in nodes)
        {
            await node.DisposeAsync();
        }
    }

    private static string Code(int number) => new([.. Enumerable.Range(0, 6).Select(place => Alphabet[(number >> (5 * place)) & 31])]);

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(20));
        while (!condition())
        {
            await timer.WaitForNextTickAsync(patience.Token);
        }
    }
}
