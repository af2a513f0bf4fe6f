using System.Globalization;
using Google.Protobuf;
using NATS.Client.Core;
using Relay.Admission;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Cluster;

/// <summary>
/// Somebody who may publish on NATS says everything to every subject, as many nodes and by the hundred thousand. The relays go on; what they keep of it and
/// log of it is bounded, and passes.
/// </summary>
public sealed class HostileFloodTests
{
    private const int Messages = 100_000;
    private const int MaxLines = 2_200;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private static readonly string[] Matters = ["heartbeat", "goodbye", "counts", "counts_wanted", "signals", "policy"];
    private static readonly long[] Numbers = [long.MinValue, -1, 0, 1, 7, int.MaxValue, uint.MaxValue, long.MaxValue];
    private static readonly string[] NoQuestions = ["x", "-1", "99999999999999999999"];
    private static readonly string[] Texts = ["", "a", "AAAAAA", "node-0", "\0\u001b[2J", new string('x', 1_000), TestClient.Key("AAAAAA")];

    [Fact]
    public async Task Flood_OfEverything_IsBoundedAndPasses()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: settings => settings.Sessions.MessagesPerMinute = 1_000_000);
        await using var hostile = new NatsConnection(NatsOpts.Default with { Url = cluster.Nats.Url });
        await using var questions = await hostile.SubscribeCoreAsync<byte[]>("relay.relay.>", cancellationToken: TestContext.Current.CancellationToken);
        await hostile.PingAsync(TestContext.Current.CancellationToken);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        RelayServer[] relays = [cluster[0], cluster[1]];
        Array.ForEach(relays, relay => relay.ExpectedError = error => !error.Contains("could not be handled", StringComparison.Ordinal));
        var logs = Array.ConvertAll(relays, LogCollector.Attach);
        var random = new Random(TestCluster.Seed);
        TestContext.Current.TestOutputHelper!.WriteLine($"{TestKit.TestedPrograms.SeedVariable}={TestCluster.Seed}");

        var subjects = Subjects(relays, await InboxesAsync(questions).WaitAsync(Patience, TestContext.Current.CancellationToken));
        var flood = FloodAsync(hostile, subjects, random);
        var (sent, arrived, failed, paired) = (0, 0, 0, 0);
        using var ended = new CancellationTokenSource();
        Task[] reading =
        [
            ReadAsync(a, text => _ = text.Contains("Peer not found", StringComparison.Ordinal) ? failed++ : text.Contains("pair_incoming", StringComparison.Ordinal) ? paired++ : 0, ended.Token),
            ReadAsync(b, text => arrived += text.Contains("\"honest\"", StringComparison.Ordinal) ? 1 : 0, ended.Token),
        ];
        for (var failedMeanwhile = 0; !flood.IsCompleted || arrived < 10; sent++)
        {
            // A relay that hears so much answers late, as long as it does; then the sender is told.
            failedMeanwhile = flood.IsCompleted ? failedMeanwhile : Volatile.Read(ref failed);
            Assert.InRange(failed - failedMeanwhile, 0, 100);
            await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":"honest"}""");
            await Eventually.TrueAsync(() => Volatile.Read(ref arrived) + Volatile.Read(ref failed) > sent, "it arrives, or its sender is told", Patience);
        }

        await flood;
        Assert.All(relays, relay =>
        {
            Assert.InRange(relay.Get<ClusterNodes>().Snapshot().Count, 1, ClusterNodes.MaxNodes);
            Assert.InRange(relay.Get<RemoteCounts>().Keys, 0, RemoteCounts.MaxKeys);
            Assert.Equal(1, relay.Get<ClusterNameTable>().Count);
            Assert.InRange(relay.Get<ClusterBus>().Waiting, 0, 65_536);
        });
        Assert.All(logs, log => Assert.InRange(log.Lines.Count, 1, MaxLines));

        // Who has said it is silent now.
        await Eventually.TrueAsync(
            () => Array.TrueForAll(relays, relay => relay.Get<ClusterNodes>() is { Count: 1 } && relay.Get<RemoteCounts>().Keys <= 1 && relay.Get<Questions>().Count == 0), "only the other relay is left", Patience);
        await using var c = await TestClient.RegisterAsync(cluster[1], "CCCCCC");
        await c.SendAsync("""{"type":"pair_request","targetCode":"AAAAAA"}""");
        await Eventually.TrueAsync(() => Volatile.Read(ref paired) == 1, "a request arrives", Patience);
        Assert.Equal(1, cluster[0].Get<PendingRequests>().Count(RequestKind.Pair));
        await ended.CancelAsync();
        a.Socket.Abort();
        b.Socket.Abort();
        await Task.WhenAll(reading);
    }

    private static async Task ReadAsync(TestClient client, Action<string> read, CancellationToken ended)
    {
        try
        {
            while (true)
            {
                read(await client.ReceiveTextAsync(Patience));
            }
        }
        catch (Exception) when (ended.IsCancellationRequested)
        {
            // The test is over.
        }
    }

    // Where both relays want answers: who may listen too learns it from their questions.
    private static async Task<string[]> InboxesAsync(INatsSub<byte[]> questions)
    {
        var inboxes = new HashSet<string>();
        await foreach (var message in questions.Msgs.ReadAllAsync())
        {
            if (message.ReplyTo is { } inbox && inboxes.Add(inbox[..(inbox.LastIndexOf('.') + 1)]) && inboxes.Count == 2)
            {
                break;
            }
        }

        await questions.UnsubscribeAsync();
        return [.. inboxes];
    }

    private static string[] Subjects(RelayServer[] relays, string[] inboxes)
    {
        var subjects = relays[0].Get<ClusterSubjects>();
        var epochs = Array.ConvertAll(relays, relay => relay.Get<ClusterNode>().Epoch);
        return
        [
            .. Matters.Select(subjects.All),
            .. epochs.SelectMany(epoch => Matters.Select(matter => subjects.Node(epoch, matter))),
            .. relays.Select(relay => subjects.Name(relay.Get<ClusterNode>().Name)),
            subjects.Holder("code", "ZZZZZZ"),
            subjects.Holder("peer", "AAAAAA"),

            // Answers to questions that have theirs: each relay has asked about its own name and its client's, twice. Who has heard an open question can answer it.
            .. inboxes.SelectMany(inbox => Enumerable.Range(1, 4).Select(question => string.Create(CultureInfo.InvariantCulture, $"{inbox}{question}"))),
            .. inboxes.SelectMany(inbox => NoQuestions.Select(text => inbox + text)),

            // Who has not can only guess.
            .. epochs.SelectMany(epoch => Enumerable.Range(1, 40).Select(question => string.Create(CultureInfo.InvariantCulture, $"_INBOX.relay.relay.{epoch:x}.{question}"))),
        ];
    }

    private static async Task FloodAsync(NatsConnection nats, string[] subjects, Random random)
    {
        await Task.Yield();
        for (var i = 0; i < Messages; i++)
        {
            await nats.PublishAsync(subjects[random.Next(subjects.Length)], Message(random), replyTo: random.Next(4) == 0 ? "relay.relay.all.heartbeat" : null);
        }

        await nats.PingAsync();
    }

    private static byte[] Message(Random random)
    {
        if (random.Next(20) == 0)
        {
            var garbage = new byte[random.Next(200) == 0 ? 1 << 20 : random.Next(100)];
            random.NextBytes(garbage);
            return garbage;
        }

        var envelope = new Envelope
        {
            Version = (uint)(random.Next(20) == 0 ? random.Next(5) : 1),
            Node = random.Next(10) == 0 ? Text() : $"hostile-{random.Next(5)}",
            Epoch = (ulong)(random.Next(10) == 0 ? Number() : random.Next(1, 3_000)),
        };
        switch (random.Next(10))
        {
            case 0:
                envelope.Counts = new Counts { Sequence = (ulong)Number(), Part = (uint)random.Next(4), Parts = (uint)random.Next(4), Total = Number() };
                for (var key = random.Next(20); key > 0; key--)
                {
                    envelope.Counts.Bits.Add(32);
                    envelope.Counts.Connections.Add((uint)random.Next(1_000_001));
                    envelope.Counts.Words.Add((ulong)random.Next(100));
                }

                break;
            case 1:
                envelope.NameClaim = new NameClaim { Key = Text(), Session = Number(), Waits = random.Next(2) == 0, EstablishedAt = (ulong)Number() };
                break;
            case 2:
                envelope.NameAnswer = new NameAnswer { Result = (NameAnswer.Types.Result)random.Next(6) };
                break;
            case 3:
                envelope.Forward = new Forward { Type = Text(), FromCode = Text(), Payload = ByteString.CopyFromUtf8(Text()), Session = Number() };
                break;
            case 4:
                envelope.PeerRequestOutcome = new PeerRequestOutcome
                {
                    Request = random.Next(5),
                    Outcome = (PeerRequestOutcome.Types.Outcome)random.Next(6),
                    Key = Text(),
                    Session = Number(),
                    DeviceId = Text(),
                };
                break;
            case 5:
                envelope.ClientLeft = new ClientLeft { Session = Number() };
                break;
            case 6:
                envelope.Goodbye = new Goodbye();
                break;
            case 7:
                envelope.PolicyAnnounced = new PolicyAnnounced { Revision = Number() };
                break;
            case 8:
                envelope.CountsWanted = new CountsWanted();
                break;
            default:
                envelope.Heartbeat = new Heartbeat
                {
                    ProductVersion = Text(),
                    State = Text(),
                    Clients = Number(),
                    Peers = Number(),
                    TotalLimit = Number(),
                    PolicyRevision = Number(),
                    SentAt = Number(),
                    RefusedTotal = Number(),
                };
                break;
        }

        return envelope.ToByteArray();

        long Number() => Numbers[random.Next(Numbers.Length)];

        string Text() => Texts[random.Next(Texts.Length)];
    }
}
