using Relay.EndToEnd.Support;
using Relay.Rendezvous;

namespace Relay.EndToEnd.Rendezvous;

/// <summary>register_rendezvous: what is checked in which order, and who finds what.</summary>
[Trait("Clients", "Spread")]
public sealed class RendezvousTests
{
    private const string Nothing = """{"type":"rendezvous_result","liveMatches":[],"deadDrops":[]}""";

    // Each row has its own error and every later one: the first is told.
    private static readonly (string Fields, string Error)[] Errors =
    [
        ("'peerId':5,'relayId':5,'dailyPoints':5", "Invalid message: register_rendezvous: peerId must be a string"),
        ("'peerId':'BBBBBB','relayId':5", "Invalid message: register_rendezvous: relayId must be a string"),
        ("'peerId':'BBBBBB','relayId':'','dailyPoints':5", "peerId mismatch with registered identity"),
        ($"'dailyPoints':'p','hourlyTokens':5,'relayId':'{Letters(129)}'", "Too many daily points (max 50)"),
        ($"'dailyPoints':{List(51)},'hourlyTokens':5", "Too many daily points (max 50)"),
        ($"'dailyPoints':[5],'hourlyTokens':true", "Too many hourly tokens (max 50)"),
        ($"'dailyPoints':[5],'hourlyTokens':{List(51)}", "Too many hourly tokens (max 50)"),
        ($"'dailyPoints':['p',5],'hourlyTokens':[5]", "Invalid daily points format"),
        ($"'dailyPoints':['{Letters(129)}'],'hourlyTokens':[5]", "Invalid daily points format"),
        ($"'hourlyTokens':[null],'relayId':'{Letters(129)}'", "Invalid hourly tokens format"),
        ($"'hourlyTokens':['{Letters(129)}'],'relayId':'{Letters(129)}'", "Invalid hourly tokens format"),
        ($"'relayId':'{Letters(129)}','deadDrops':{Object(51)}", "Invalid relayId"),
        ($"'deadDrops':{Object(51)}", "Too many dead drops"),
        ("'deadDrops':['p']", "Too many dead drops"),
        ($"'deadDrops':{{'p':'d','{Letters(129)}':5}}", "Invalid dead drop key"),
        ($"'deadDrops':{{'p':5,'{Letters(129)}':'d'}}", "Dead drop payload too large (max 4KB)"),
        ($"'dead_drops':{{'p':'{Letters(4097)}'}}", "Dead drop payload too large (max 4KB)"),
        ($"'deadDrop':'{Letters(4097)}'", "Dead drop payload too large (max 4KB)"),
        ("'deadDrop':{}", "Dead drop payload too large (max 4KB)"),
    ];

    [Fact]
    public async Task Register_Mistaken_IsToldTheFirstMistakeAndNothingIsKept()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        foreach (var (fields, error) in Errors)
        {
            await a.PutAsync(fields);
            await a.ExpectErrorAsync(error);
        }

        Assert.Equal(default, await server.MeetingsAsync());
    }

    /// <summary>In the reference network a socket without a name of its own overwrites, harvests and matches in anybody's.</summary>
    [Theory]
    [InlineData("'peerId':'AAAAAA','dailyPoints':['p'],'deadDrops':{'p':'planted'}")]
    [InlineData("'dailyPoints':['p']")]
    [InlineData("'peerId':'','dailyPoints':5,'hourlyTokens':5")]
    public async Task Register_NotRegistered_IsRefusedBeforeAllElse(string fields)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await a.MeetAsync("'dailyPoints':['p'],'deadDrops':{'p':'mine'}");
        await using var nobody = await TestClient.ConnectAsync(server);
        await nobody.PutAsync(fields);
        await nobody.ExpectErrorAsync("Not registered. Send register message first.");

        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        Assert.Equal(["mine"], (await b.MeetAsync("'dailyPoints':['p']")).Drops());
    }

    [Fact]
    public async Task Register_Most_IsTaken()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await a.PutAsync($"'peerId':'AAAAAA','relayId':'{Letters(128)}','dailyPoints':{List(50, 128)},'hourlyTokens':{List(50, 128)},'deadDrops':{Object(50, 128, 4096)}");

        Assert.Equal(Nothing, await a.ReceiveTextAsync());
        Assert.Equal(new RendezvousCounts(50, 50, 0, 0), await server.MeetingsAsync());
    }

    [Theory]
    [InlineData("")]
    [InlineData(",'peerId':null,'relayId':null,'dailyPoints':null,'hourlyTokens':null,'deadDrops':null,'deadDrop':null")]
    [InlineData(",'peerId':'','relayId':'','dailyPoints':[],'hourlyTokens':[],'deadDrops':{}")]
    public async Task Register_Nothing_FindsNothing(string fields)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await a.PutAsync($"'more':1{fields}");

        Assert.Equal(Nothing, await a.ReceiveTextAsync());
    }

    [Fact]
    public async Task DeadDrop_LeftAtAPoint_IsFoundByOthersAndNeverByItsOwner()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        const string Put = """
            {"type":"register_rendezvous","peerId":"AAAAAA","relayId":"r1","dailyPoints":["p","q"],"deadDrops":{"p":"letter \"ä\"","elsewhere":"lost"}}
            """;
        await a.SendAsync(Put);
        Assert.Equal(Nothing, await a.ReceiveTextAsync());
        await a.SendAsync(Put);
        Assert.Equal(Nothing, await a.ReceiveTextAsync());
        await b.PutAsync("'peerId':'BBBBBB','relayId':'','dailyPoints':['q','p','elsewhere','p']");

        Assert.Equal(
            """{"type":"rendezvous_result","liveMatches":[],"deadDrops":[{"peerId":"AAAAAA","deadDrop":"letter \"ä\"","relayId":"r1"}]}""",
            await b.ReceiveTextAsync());

        // A drop found stays; a point registered again without one has none any more.
        Assert.Single((await b.MeetAsync("'dailyPoints':['p']")).Drops());
        await a.MeetAsync("'dailyPoints':['p']");
        Assert.Empty((await b.MeetAsync("'dailyPoints':['p']")).Drops());
        Assert.Equal(new RendezvousCounts(5, 0, 0, 2), await server.MeetingsAsync());
    }

    [Fact]
    public async Task Token_OfTwoWhoAreHere_MatchesBoth()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await a.PutAsync("'peerId':'AAAAAA','relayId':'r1','hourlyTokens':['t','u','v']");
        Assert.Equal(Nothing, await a.ReceiveTextAsync());
        await b.PutAsync("'peerId':'BBBBBB','hourlyTokens':['u','t','w']");

        // Two tokens in common are one match.
        Assert.Equal(
            """{"type":"rendezvous_result","liveMatches":[{"peerId":"AAAAAA","relayId":"r1"}],"deadDrops":[]}""", await b.ReceiveTextAsync());
        Assert.Equal("""{"type":"rendezvous_match","match":{"peerId":"BBBBBB","relayId":""}}""", await a.ReceiveTextAsync());
        await a.ExpectNothingAsync();
        await b.ExpectNothingAsync();

        // Whoever comes again is the later one.
        Assert.Equal(["BBBBBB"], (await a.MeetAsync("'hourlyTokens':['t']")).Matches());
        Assert.Equal("AAAAAA", (await b.ExpectAsync("rendezvous_match")).GetProperty("match").GetProperty("peerId").GetString());
        Assert.Equal(new RendezvousCounts(0, 6, 2, 0), await server.MeetingsAsync());
    }

    [Fact]
    public async Task Point_LikeAToken_IsAnotherThing()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await a.MeetAsync("'dailyPoints':['x'],'hourlyTokens':['y'],'deadDrops':{'x':'d'}");
        await b.PutAsync("'dailyPoints':['y'],'hourlyTokens':['x']");

        Assert.Equal(Nothing, await b.ReceiveTextAsync());
    }

    /// <summary>A peer id and a code of one socket are one peer: nothing of its own is found under the other name.</summary>
    [Fact]
    public async Task Register_UnderBothNames_NeverFindsItself()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await a.SendAsync("""{"type":"register","peerId":"peer-a"}""");
        await a.ExpectAsync("registered");
        foreach (var name in new[] { "AAAAAA", "peer-a", "AAAAAA" })
        {
            await a.PutAsync($"'peerId':'{name}','dailyPoints':['p'],'hourlyTokens':['t'],'deadDrops':{{'p':'d'}}");
            Assert.Equal(Nothing, await a.ReceiveTextAsync());
        }

        // Others find one live peer, by one of its names, and both letters; without a name it is the peer id that speaks.
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        var found = await b.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t']");
        Assert.Equal(["AAAAAA"], found.Matches());
        Assert.Equal(2, found.Drops().Length);
        await a.ExpectAsync("rendezvous_match");
        await a.MeetAsync("'hourlyTokens':['t']");
        Assert.Equal("peer-a", (await b.ExpectAsync("rendezvous_match")).GetProperty("match").GetProperty("peerId").GetString());
    }

    [Fact]
    public async Task Register_ManyAtOnePoint_GivesTheNewest()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Rendezvous.ResultsPerPoint = 3);
        string[] names = ["AAAAAA", "BBBBBB", "CCCCCC", "DDDDDD", "EEEEEE"];
        var clients = new List<TestClient>();
        foreach (var name in names)
        {
            clients.Add(await TestClient.RegisterAsync(server, name));
            await clients[^1].MeetAsync($"'dailyPoints':['p','q'],'hourlyTokens':['t'],'deadDrops':{{'p':'p{name}','q':'q{name}'}}");
        }

        await using var last = await TestClient.RegisterAsync(server, "FFFFFF");
        var found = await last.MeetAsync("'dailyPoints':['q','p'],'hourlyTokens':['t']");
        Assert.Equal(["qEEEEEE", "qDDDDDD", "qCCCCCC", "pEEEEEE", "pDDDDDD", "pCCCCCC"], found.Drops());
        Assert.Equal(["EEEEEE", "DDDDDD", "CCCCCC"], found.Matches());
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }
    }

    /// <summary>Letters that fill the outgoing queue do not close the socket of whoever finds them.</summary>
    [Fact]
    public async Task Register_MoreFoundThanTheQueueHolds_GivesWhatFits()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.QueueBytes = 64 * 1024);
        var letter = string.Concat(Enumerable.Repeat("\\u0001", 4000));
        foreach (var last in "ABCDEFGHJKLMNPQ")
        {
            await using var a = await TestClient.RegisterAsync(server, $"AAAAA{last}");
            await a.MeetAsync($"'dailyPoints':['p'],'deadDrop':'{letter}'");
        }

        var before = (await server.MeetingsAsync()).DropsDelivered;
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        Assert.Single((await b.MeetAsync("'dailyPoints':['p']")).Drops());
        Assert.Equal(before + 1, (await server.MeetingsAsync()).DropsDelivered);
    }

    [Theory]
    [InlineData("'daily_points':['p'],'hourly_tokens':['t'],'dead_drops':{'p':'d'}", "t", "d")]
    [InlineData("'dailyPoints':['p'],'daily_points':['x'],'hourlyTokens':['t'],'hourly_tokens':['x'],'dead_drops':{'p':'d'},'deadDrops':{'p':'x'},'deadDrop':'x'", "t", "d")]
    [InlineData("'dailyPoints':null,'daily_points':['p'],'hourlyTokens':null,'hourly_tokens':['t'],'dead_drops':null,'deadDrops':{'p':'d'},'deadDrop':'x'", "t", "d")]
    [InlineData("'dailyPoints':['q','p'],'deadDrop':'d'", null, "d")]
    [InlineData("'dailyPoints':['p'],'deadDrops':{},'deadDrop':'x'", null, null)]
    [InlineData("'dailyPoints':['p'],'deadDrops':{'p':'x','p':'d'}", null, "d")]
    public async Task Register_EitherSpelling_IsUnderstood(string fields, string? token, string? drop)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await a.MeetAsync(fields);
        var found = await b.MeetAsync("'dailyPoints':['p'],'hourlyTokens':['t']");

        Assert.Equal(token is null ? [] : ["AAAAAA"], found.Matches());
        Assert.Equal(drop is null ? [] : [drop], found.Drops());
    }

    private static string Letters(int length) => new('x', length);

    private static string Text(int number, int length) => $"\"{number.ToString(System.Globalization.CultureInfo.InvariantCulture).PadRight(length, 'x')}\"";

    private static string List(int count, int length = 4) => $"[{string.Join(',', Enumerable.Range(0, count).Select(i => Text(i, length)))}]";

    private static string Object(int count, int length = 4, int drop = 1) =>
        $"{{{string.Join(',', Enumerable.Range(0, count).Select(i => $"{Text(i, length)}:\"{Letters(drop)}\""))}}}";
}
