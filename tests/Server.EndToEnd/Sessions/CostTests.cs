using System.Net;
using Microsoft.Extensions.Primitives;
using Relay.Addresses;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.EndToEnd.Sessions;

/// <summary>
/// What a client and a message cost in bytes, with the real handlers and a connection in memory. Alone, because memory is
/// measured for the whole process.
/// </summary>
[Collection(nameof(Alone))]
public sealed class CostTests(ITestOutputHelper output)
{
    private const int Rounds = 1000;
    private const string Payload = "v=0\\r\\no=- 46117317 2 IN IP4 127.0.0.1\\r\\ns=-\\r\\nt=0 0\\r\\na=candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host";

    [Theory]
    [InlineData("""{"type":"offer","target":"BBBBBB","payload":{"type":"offer","sdp":"PAYLOAD"}}""")]
    [InlineData("""{"type":"ice_candidate","target":"BBBBBB","payload":"PAYLOAD"}""")]
    [InlineData("""{"type":"call_offer","target":"BBBBBB","payload":{"callId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","sdp":"PAYLOAD"}}""")]
    [InlineData("""{"type":"call_ice","target":"BBBBBB","payload":{"callId":"3f2504e0-4f89-41d3-9a0c-0305e82c3301","candidate":"PAYLOAD"}}""")]
    public async Task Forward_OneMessage_AllocatesNothing(string message)
    {
        await using var server = await StartAsync();
        var (from, to) = (Register(server, "AAAAAA"), Register(server, "BBBBBB"));
        var frame = InMemoryClient.Frame(message.Replace("PAYLOAD", Payload, StringComparison.Ordinal));
        var received = new byte[frame.Length];

        Assert.Equal(0, Allocated(() =>
        {
            frame.CopyTo(received, 0);
            from.Receive(received);
        }));
        Assert.Equal(3 + (2 * Rounds), to.Frames);
    }

    /// <summary>One encoding for all: what a frame allocates, its channel's name and the shares' counter, is the same for one subscriber and for many.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task Stream_OneFrame_AllocatesNothingForEachSubscriber(int subscribers)
    {
        await using var server = await StartAsync();
        var owner = Register(server, "AAAAAA");
        owner.Receive(InMemoryClient.Frame("""{"type":"channel-owner-register","channelId":"news"}"""));
        owner.Receive(InMemoryClient.Frame("""{"type":"stream-start","channelId":"news","streamId":"live"}"""));
        var audience = Enumerable.Range(0, subscribers).Select(_ => InMemoryClient.Create(server)).ToArray();
        Array.ForEach(audience, client =>
        {
            client.Open(server.Get<SessionServices>(), server.Get<ISessionHandler>());
            client.Receive(InMemoryClient.Frame("""{"type":"channel-subscribe","channelId":"news"}"""));
        });
        var before = audience[^1].Frames;
        var frame = InMemoryClient.Frame($$"""{"type":"stream-frame","channelId":"news","streamId":"live","frame":"{{Payload}}"}""");
        var received = new byte[frame.Length];

        Assert.InRange(
            Allocated(() =>
            {
                frame.CopyTo(received, 0);
                owner.Receive(received);
            }) / Rounds,
            1,
            128);
        Assert.All(audience, client => Assert.Equal(before + (2 * Rounds), client.Frames));
    }

    [Fact]
    public async Task Connect_OneClient_AllocatesItsStateAndNoMore()
    {
        await using var server = await StartAsync();
        var endpoint = server.Get<SessionEndpoint>();
        var request = new UpgradeRequest(
            "GET", Header, IpKey.From(IPAddress.Loopback), default, ClientAddressRule.Default, static () => "", IsUpgrade: true);
        var clients = Enumerable.Range(0, 2 * Rounds).Select(_ => InMemoryClient.Create(server)).ToArray();
        var next = 0;

        var bytes = Allocated(() =>
        {
            var client = clients[next++];
            client.Open(endpoint.Open(request, client).Accepted!);
        }) / Rounds;
        output.WriteLine($"{bytes} bytes for each client");
        Assert.InRange(bytes, 1, 700);
        Assert.All(clients, client => Assert.Equal(2, client.Frames));
    }

    [Fact]
    public async Task Refuse_WithACloseFrame_AllocatesNothing()
    {
        await using var server = await StartAsync();
        var (refuser, closing) = (server.Get<Refuser>(), server.Get<ClosingConnections>());
        var client = InMemoryClient.Create(server);
        var decision = new Decision { Refusal = Refusal.TotalLimit };

        Assert.Equal(0, Allocated(() =>
        {
            client.Open(refuser.Refuse(client, decision).Accepted!);
            client.End();

            // At whatever moment the timer comes: the queue of those that close grows no longer than this one.
            closing.Sweep();
        }));
        Assert.Equal(2 * Rounds, client.Frames);
    }

    [Fact]
    public async Task Clients_Idle_KeepLittle()
    {
        const int Count = 8000;
        await using var server = await StartAsync();
        var (services, handler) = (server.Get<SessionServices>(), server.Get<ISessionHandler>());
        Register(server, "AAAAAA");
        var clients = Enumerable.Range(0, Count).Select(_ => InMemoryClient.Create(server)).ToArray();
        var frames = Enumerable.Range(0, Count).Select(number => InMemoryClient.Frame(Registration(Code(number)))).ToArray();

        var before = GC.GetTotalMemory(forceFullCollection: true);
        Array.ForEach(clients, client => client.Open(services, handler));
        var open = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Count; i++)
        {
            clients[i].Receive(frames[i]);
        }

        var registered = GC.GetTotalMemory(forceFullCollection: true);
        Assert.All(clients, client => Assert.Equal(3, client.Frames));
        var (forOpen, forRegistered) = ((open - before) / Count, (registered - before) / Count);
        output.WriteLine($"open {forOpen}, registered {forRegistered} bytes for each client, beside its connection");
        Assert.InRange(forOpen, 1, 500);
        Assert.InRange(forRegistered, 1, 750);
        GC.KeepAlive(clients);
        GC.KeepAlive(frames);
    }

    private static Task<RelayServer> StartAsync() => RelayServer.StartAsync(settings =>
    {
        settings.Admission.PerIp = 100_000;
        settings.Sessions.MessagesPerMinute = 1_000_000;
        settings.Sessions.BytesPerSecond = settings.Sessions.BytesBurst = 1 << 30;
    });

    private static InMemoryClient Register(RelayServer server, string code)
    {
        var client = InMemoryClient.Create(server);
        client.Open(server.Get<SessionServices>(), server.Get<ISessionHandler>());
        client.Receive(InMemoryClient.Frame(Registration(code)));
        Assert.Equal(3, client.Frames);
        return client;
    }

    private static StringValues Header(string name) => name switch
    {
        "Sec-WebSocket-Version" => "13",
        "Sec-WebSocket-Key" => "dGhlIHNhbXBsZSBub25jZQ==",
        _ => StringValues.Empty,
    };

    private static string Registration(string code) =>
        $$"""{"type":"register","pairingCode":"{{code}}","publicKey":"A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="}""";

    private static string Code(int number) => string.Create(6, number, static (code, rest) =>
    {
        for (var i = 0; i < code.Length; i++, rest /= 8)
        {
            code[i] = "23456789"[rest % 8];
        }
    });

    /// <summary>By so many calls, after as many that warm up.</summary>
    private static long Allocated(Action action)
    {
        Repeat(action);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Repeat(action);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static void Repeat(Action action)
    {
        for (var i = 0; i < Rounds; i++)
        {
            action();
        }
    }
}

[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
