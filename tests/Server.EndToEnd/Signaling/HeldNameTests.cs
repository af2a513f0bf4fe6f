using System.Net.WebSockets;
using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Sessions;

namespace Relay.EndToEnd.Signaling;

/// <summary>Names are held for their owners (docs/protocol.md, register): through a short absence, and against nobody who is there.</summary>
[Trait("Clients", "Spread")]
public sealed class HeldNameTests
{
    private static readonly string Key = TestClient.Key("the owner's");
    private static readonly string OtherKey = TestClient.Key("another's");

    [Fact]
    public async Task Code_SocketIsGone_IsHeldForItsKey()
    {
        await using var server = await RelayServer.StartAsync();
        await LeaveAsync(server, "AAAAAA", Key);
        await using var stranger = await TestClient.ConnectAsync(server);
        await using var asking = await TestClient.RegisterAsync(server, "BBBBBB");

        await stranger.RegisterCodeAsync("AAAAAA", OtherKey);
        await stranger.ExpectAsync("code_collision");
        await asking.SendAsync("""{"type":"pair_request","targetCode":"AAAAAA"}""");
        Assert.Equal("Pair request could not be processed", (await asking.ExpectAsync("pair_error")).GetProperty("error").GetString());

        await using var owner = await TestClient.ConnectAsync(server);
        await owner.RegisterCodeAsync("AAAAAA", Key);
        await owner.ExpectAsync("registered");
        Assert.Equal(1, server.Sum<ClientDirectory>(clients => clients.Counts().Collisions));
    }

    [Theory]
    [InlineData(30, 29, false)]
    [InlineData(30, 30, true)]
    [InlineData(0, 0, true)]
    [InlineData(5, 5, true)]
    public async Task Code_HeldLongEnough_IsAnybodys(int hold, int seconds, bool isFree)
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Clients.NameHold = TimeSpan.FromSeconds(hold), time);
        await LeaveAsync(server, "AAAAAA", Key);
        time.Advance(TimeSpan.FromSeconds(seconds));
        await using var stranger = await TestClient.ConnectAsync(server);

        await stranger.RegisterCodeAsync("AAAAAA", OtherKey);

        await stranger.ExpectAsync(isFree ? "registered" : "code_collision");
    }

    /// <summary>Its network has gone, and nobody has told the relay: its TCP connection is open.</summary>
    [Fact]
    public async Task Code_HolderIsSilent_IsTheNewcomersAfterAMoment()
    {
        await using var server = await RelayServer.StartAsync();

        await using var silent = await RawWebSocket.OpenAsync(server);
        await silent.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{Key}}"}""");
        Assert.Contains("registered", await silent.ReadTextAsync(), StringComparison.Ordinal);
        await using var newcomer = await TestClient.ConnectAsync(server);

        await newcomer.RegisterCodeAsync("AAAAAA", Key);

        await ExpectReplacedAsync(silent);
        await newcomer.ExpectAsync("registered");
        Assert.Equal(1, server.Sum<ClientDirectory>(clients => clients.TryFindCode("AAAAAA", out _) ? 1 : 0));
        Assert.Equal((1, 0), (server.Sum<ClientDirectory>(clients => clients.Counts().Codes), server.Sum<ClientDirectory>(clients => clients.Counts().Collisions)));
    }

    [Fact]
    public async Task Code_HolderIsThere_IsNotTakenFromIt()
    {
        await using var server = await RelayServer.StartAsync();
        await using var holder = await TestClient.ConnectAsync(server);
        await holder.RegisterCodeAsync("AAAAAA", Key);
        await holder.ExpectAsync("registered");

        // A socket that is read from answers pings.
        var next = holder.ReceiveTextAsync();
        await using var newcomer = await TestClient.ConnectAsync(server);
        await newcomer.RegisterCodeAsync("AAAAAA", Key);

        await newcomer.ExpectAsync("code_collision");
        Assert.Equal(WebSocketState.Open, holder.Socket.State);
        await holder.SendAsync("""{"type":"ping"}""");
        Assert.Contains("pong", await next, StringComparison.Ordinal);
    }

    /// <summary>While a relay works on what a client has asked, it reads no pong of it either.</summary>
    [Fact]
    public async Task Code_HolderWaitsForTheRelay_IsNotTakenFromIt()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Clients.PingTimeout = TimeSpan.FromMinutes(1));
        await using var holder = await TestClient.ConnectAsync(server);
        await holder.RegisterCodeAsync("AAAAAA", Key);
        await holder.ExpectAsync("registered");
        await using var silent = await RawWebSocket.OpenAsync(server);
        await silent.WriteTextFrameAsync($$"""{"type":"register","peerId":"relay-1","publicKey":"{{Key}}"}""");
        Assert.Contains("registered", await silent.ReadTextAsync(), StringComparison.Ordinal);
        await RegisterPeerAsync(holder, "relay-1", $",\"publicKey\":\"{Key}\"");
        await Eventually.TrueAsync(() => server.Sum<SessionTable>(sessions => sessions.All.Count(session => session.IsHandling)) == 1, "it waits");
        await using var newcomer = await TestClient.ConnectAsync(server);

        await newcomer.RegisterCodeAsync("AAAAAA", Key);

        await newcomer.ExpectAsync("code_collision");
        await silent.DisposeAsync();
        await holder.ExpectAsync("registered");
    }

    /// <summary>With another key nobody is asked, and nobody waits.</summary>
    [Fact]
    public async Task Code_HolderIsSilentAndTheKeyIsAnother_CollidesAtOnce()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var silent = await TestClient.ConnectAsync(server);
        await silent.RegisterCodeAsync("AAAAAA", Key);
        await silent.ExpectAsync("registered");
        await using var stranger = await TestClient.ConnectAsync(server);

        // The clock stands still: an answer that waited for anything would not come.
        await stranger.RegisterCodeAsync("AAAAAA", OtherKey);

        await stranger.ExpectAsync("code_collision");
    }

    [Fact]
    public async Task Code_TwoNewcomersWantASilentHolders_OneGetsIt()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Clients.PingTimeout = TimeSpan.FromSeconds(4));

        // Nobody reads from it, so that it answers no ping. Whoever gets the code after it has long enough to answer its own.
        await using var silent = await TestClient.ConnectAsync(server);
        await silent.RegisterCodeAsync("AAAAAA", Key);
        await silent.ExpectAsync("registered");
        await using var one = await TestClient.ConnectAsync(server);
        await using var two = await TestClient.ConnectAsync(server);

        await one.RegisterCodeAsync("AAAAAA", Key);
        await two.RegisterCodeAsync("AAAAAA", Key);
        var answers = await Task.WhenAll(AnswerAsync(one), AnswerAsync(two));

        Assert.Single(answers, answer => answer.Contains("\"registered\"", StringComparison.Ordinal));
        Assert.Single(answers, answer => answer.Contains("code_collision", StringComparison.Ordinal));

        // It goes on reading: whoever has got the code is there, if it is asked in turn.
        static async Task<string> AnswerAsync(TestClient client)
        {
            var answer = await client.ReceiveTextAsync();
            _ = client.ReceiveTextAsync();
            return answer;
        }
    }

    [Fact]
    public async Task PeerId_WithAKey_IsHeldForItAndWithoutOneForNobody()
    {
        await using var server = await RelayServer.StartAsync();
        foreach (var (peerId, key) in new[] { ("with", $",\"publicKey\":\"{Key}\""), ("without", "") })
        {
            var gone = await TestClient.ConnectAsync(server);
            await RegisterPeerAsync(gone, peerId, key);
            await gone.ExpectAsync("registered");
            await gone.CloseAsync();
        }

        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().PeerIds) == 0, "both have left");
        await using var one = await TestClient.ConnectAsync(server);
        await using var two = await TestClient.ConnectAsync(server);
        await using var owner = await TestClient.ConnectAsync(server);

        await RegisterPeerAsync(one, "with", $",\"publicKey\":\"{OtherKey}\"");
        await one.ExpectErrorAsync("Peer ID already in use by another connection");
        await RegisterPeerAsync(two, "with", "");
        await two.ExpectErrorAsync("Peer ID already in use by another connection");
        await RegisterPeerAsync(two, "without", "");
        await two.ExpectAsync("registered");
        await RegisterPeerAsync(owner, "with", $",\"publicKey\":\"{Key}\"");
        await owner.ExpectAsync("registered");
    }

    [Fact]
    public async Task PeerId_HolderIsSilent_IsTheNewcomersAfterAMoment()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Clients.PingTimeout = TimeSpan.FromSeconds(1));
        await using var silent = await RawWebSocket.OpenAsync(server);
        await silent.WriteTextFrameAsync($$"""{"type":"register","peerId":"relay-1","publicKey":"{{Key}}"}""");
        Assert.Contains("registered", await silent.ReadTextAsync(), StringComparison.Ordinal);
        await using var newcomer = await TestClient.ConnectAsync(server);

        await RegisterPeerAsync(newcomer, "relay-1", $",\"publicKey\":\"{Key}\"");

        await ExpectReplacedAsync(silent);
        await newcomer.ExpectAsync("registered");
    }

    /// <summary>A register by peer id answers the same for a text that is somebody's code as for any other, and gets nothing that is meant for the code.</summary>
    [Fact]
    public async Task PeerId_ThatIsSomebodysCode_IsRegisteredLikeAnyOther()
    {
        await using var server = await RelayServer.StartAsync();
        await using var holder = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var curious = await TestClient.ConnectAsync(server);
        await RegisterPeerAsync(curious, "AAAAAA", "");
        await curious.ExpectAsync("registered");

        await using var asking = await TestClient.RegisterAsync(server, "BBBBBB");
        await asking.SendAsync("""{"type":"offer","target":"AAAAAA","payload":1}""");

        await holder.ExpectAsync("offer");
        await curious.ExpectNothingAsync();
    }

    [Fact]
    public async Task Rendezvous_SuccessorWithAnotherKey_LeavesTheRowsAlone()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            settings.Clients.NameHold = TimeSpan.Zero;
            settings.Rendezvous.RowsPerIdentity = 100;
        });
        await PutAsync(server, Key, "letter", 100);
        await PutAsync(server, OtherKey, "other", 100);
        await using var partner = await TestClient.RegisterAsync(server, "BBBBBB");

        Assert.Equal(["other", "letter"], (await partner.MeetAsync("'dailyPoints':['0']")).Drops());
        Assert.Equal(["other", "letter"], (await partner.MeetAsync("'dailyPoints':['99']")).Drops());

        // With its key the owner's own are replaced.
        await PutAsync(server, Key, "newer", 1);
        Assert.Equal(["newer", "other"], (await partner.MeetAsync("'dailyPoints':['0']")).Drops());
    }

    private static async Task PutAsync(RelayServer server, string key, string drop, int count)
    {
        await using var client = await TestClient.ConnectAsync(server);
        await client.RegisterCodeAsync("AAAAAA", key);
        await client.ExpectAsync("registered");
        foreach (var points in Enumerable.Range(0, count).Chunk(50))
        {
            var names = string.Join(',', points.Select(i => $"'{i}'"));
            var drops = string.Join(',', points.Select(i => $"'{i}':'{drop}'"));
            await client.MeetAsync($"'dailyPoints':[{names}],'deadDrops':{{{drops}}}");
        }

        await client.CloseAsync();
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.TryFindCode("AAAAAA", out _) ? 1 : 0) == 0, "the client has left");
    }

    private static async Task LeaveAsync(RelayServer server, string code, string key)
    {
        await using var client = await TestClient.ConnectAsync(server);
        await client.RegisterCodeAsync(code, key);
        await client.ExpectAsync("registered");
        await client.CloseAsync();
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 0, "the client has left");
    }

    // It is asked with a ping, which it does not answer.
    private static async Task ExpectReplacedAsync(RawWebSocket silent)
    {
        Assert.Equal(0x9, (await silent.ReadFrameAsync()).Opcode);
        Assert.Equal((1001, "Replaced by a newer connection"), await silent.ReadCloseAsync());
    }

    private static Task RegisterPeerAsync(TestClient client, string peerId, string more) =>
        client.SendAsync($$"""{"type":"register","peerId":"{{peerId}}"{{more}}}""");
}
