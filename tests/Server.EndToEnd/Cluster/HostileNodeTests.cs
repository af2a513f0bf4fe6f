using Google.Protobuf;
using Microsoft.Extensions.Time.Testing;
using NATS.Client.Core;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Cluster;

/// <summary>Messages that no relay sends: they are counted, and nobody sees anything of them.</summary>
public sealed class HostileNodeTests
{
    private static readonly ClientAddress Address = new() { Low = 1, Bits = 32 };

    private static readonly Envelope[] ToACode =
    [
        Forward(forward => forward.Type = "pair_matched"),
        Forward(forward => forward.Type = ""),
        Forward(forward => forward.FromCode = "aaaaa\""),
        Forward(forward => forward.Payload = ByteString.CopyFromUtf8("1}")),
        Forward(forward => forward.Payload = ByteString.CopyFromUtf8("1,2")),
        Forward(forward => forward.Payload = ByteString.CopyFromUtf8("\"")),
        Forward(forward => forward.Payload = ByteString.CopyFrom([(byte)'"', 0xff, (byte)'"'])),
        Forward(forward => forward.Payload = ByteString.CopyFromUtf8($"\"{new string('x', 262_144)}\"")),
        Forward(forward => forward.Address = null),
        Forward(forward => forward.Address = new ClientAddress { High = 1, Low = 1, Bits = 32 }),
        Forward(forward => forward.Address = new ClientAddress { Bits = 1000 }),
        Request(request => request.Kind = PeerRequest.Types.Kind.Unspecified),
        Request(request => request.Kind = (PeerRequest.Types.Kind)9),
        Request(request => request.FromCode = "AAAAA"),
        Request(request => request.FromKey = "key"),
        Request(request => request.Address = null),
        new() { ClientLeft = new ClientLeft { Session = 1 } },
    ];

    private static readonly Envelope[] ToANode =
    [
        new() { PeerRequestOutcome = new PeerRequestOutcome { Request = 1 } },
        new() { PeerRequestOutcome = new PeerRequestOutcome { Request = 1, Outcome = PeerRequestOutcome.Types.Outcome.Matched, Key = "key" } },
        new() { PeerRequestOutcome = new PeerRequestOutcome { Request = 1, Outcome = (PeerRequestOutcome.Types.Outcome)9 } },
        new() { Forward = new Forward() },
    ];

    // Well-formed, and about what is not there.
    private static readonly Envelope[] OfNothing =
    [
        new() { PeerRequestOutcome = new PeerRequestOutcome { Request = 77, Outcome = PeerRequestOutcome.Types.Outcome.Rejected } },
        new() { ClientLeft = new ClientLeft { Session = 77 } },
    ];

    [Fact]
    public async Task Messages_ThatNoRelaySends_AreCountedAndIgnored()
    {
        await using var cluster = await RelayCluster.StartAsync();
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        var (bus, hostile) = (cluster[0].Get<ClusterBus>(), cluster[1].Get<ClusterBus>());
        var subjects = cluster[1].Get<ClusterSubjects>();
        var epoch = cluster[0].Get<ClusterNode>().Epoch;

        foreach (var message in ToACode)
        {
            Assert.True(hostile.TrySend(subjects.Holder("code", "AAAAAA"), message.Clone()));
        }

        foreach (var message in ToANode.Concat(OfNothing))
        {
            Assert.True(hostile.TrySend(subjects.Node(epoch, "signals"), message.Clone()));
        }

        await Eventually.TrueAsync(() => bus.Counts.Refused == ToACode.Length + ToANode.Length, "all that is wrong was counted");
        await a.ExpectNothingAsync();

        // And the next one is heard.
        var good = await hostile.AskAsync(subjects.Holder("code", "AAAAAA"), Forward(_ => { }));
        Assert.Equal(ForwardAnswer.Types.Result.Passed, good.Message!.ForwardAnswer.Result);
        Assert.Equal("""{"type":"offer","from":"BBBBBB","payload":1}""", await a.ReceiveTextAsync());
    }

    /// <summary>As one that waited in a NATS server which was stopped: its sender has heard that it did not arrive, and has sent others.</summary>
    [Fact]
    public async Task Forward_ThatALaterOneHasOvertaken_IsNotDelivered()
    {
        // No second ever passes, so that the other node stays.
        await using var cluster = await RelayCluster.StartAsync(1, time: new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var other = new NatsConnection(NatsOpts.Default with { Url = cluster.Nats.Url });
        var subjects = cluster[0].Get<ClusterSubjects>();
        await SendAsync(other, subjects.All("heartbeat"), new Envelope { Heartbeat = new Heartbeat() }, 1);
        foreach (var sequence in new[] { 5UL, 4UL, 5UL, 6UL })
        {
            await SendAsync(other, subjects.Holder("code", "AAAAAA"), Forward(forward => forward.Payload = ByteString.CopyFromUtf8($"{sequence}")), sequence);
        }

        Assert.Equal("""{"type":"offer","from":"BBBBBB","payload":5}""", await a.ReceiveTextAsync());
        Assert.Equal("""{"type":"offer","from":"BBBBBB","payload":6}""", await a.ReceiveTextAsync());
    }

    /// <summary>As above: its sender has sent it again, it has arrived, and others after it.</summary>
    [Fact]
    public async Task Upstream_ThatALaterOneHasOvertaken_IsNotDeliveredTwice()
    {
        await using var cluster = await RelayCluster.StartAsync(1, time: new FakeTimeProvider(DateTimeOffset.UtcNow));
        await using var owner = await TestClient.ConnectAsync(cluster[0]);
        await owner.OwnAsync("news");
        await using var other = new NatsConnection(NatsOpts.Default with { Url = cluster.Nats.Url });
        var subjects = cluster[0].Get<ClusterSubjects>();
        await SendAsync(other, subjects.All("heartbeat"), new Envelope { Heartbeat = new Heartbeat() }, 1);
        foreach (var (number, sequence) in new[] { (1, 5UL), (2, 6UL), (1, 4UL), (3, 7UL) })
        {
            var upstream = new Upstream { Number = number, Address = Address, Message = ByteString.CopyFromUtf8(ChannelClient.Upstream("news", $"{number}")) };
            await SendAsync(other, subjects.Node(cluster[0].Get<ClusterNode>().Epoch, "channels"), new Envelope { Upstream = upstream }, sequence);
        }

        await owner.ExpectUpstreamAsync("1", "2", "3");
    }

    // From a node called other.
    private static ValueTask SendAsync(NatsConnection nats, string subject, Envelope message, ulong sequence)
    {
        (message.Version, message.Node, message.Epoch, message.Sequence) = (ClusterNode.Version, "other", 7, sequence);
        return nats.PublishAsync(subject, message.ToByteArray(), cancellationToken: TestContext.Current.CancellationToken);
    }

    private static Envelope Forward(Action<Forward> change)
    {
        var forward = new Forward { Type = "offer", FromCode = "BBBBBB", Payload = ByteString.CopyFromUtf8("1"), Address = Address, Session = 1 };
        change(forward);
        return new Envelope { Forward = forward };
    }

    private static Envelope Request(Action<PeerRequest> change)
    {
        var request = new PeerRequest { Kind = PeerRequest.Types.Kind.Pair, Request = 1, Session = 1, FromCode = "BBBBBB", FromKey = TestClient.Key("BBBBBB"), Address = Address };
        change(request);
        return new Envelope { PeerRequest = request };
    }
}
