using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Signaling;

/// <summary>Signaling:RequireMatch: who may send to whom (docs/protocol.md, Only between partners).</summary>
[Trait("Clients", "Spread")]
public sealed class RequireMatchTests
{
    private const string NotPaired = "Not paired with target";
    private const string Payload = """{"callId":"0b9f2d6e-7c1a-4f3e-9a5b-1234567890ab","sdp":"v=0","candidate":"c"}""";

    private static readonly string[] Types =
        ["offer", "answer", "ice_candidate", "call_offer", "call_answer", "call_reject", "call_hangup", "call_ice"];

    // In the reference network anybody could send to any code, and "Peer not found" or silence told which codes are there.
    [Fact]
    public async Task Forward_ToAStranger_IsTheSameWhetherTheCodeIsThereOrNot()
    {
        await using var server = await StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        foreach (var type in Types)
        {
            foreach (var target in new[] { "BBBBBB", "ZZZZZZ", "AAAAAA" })
            {
                await SendAsync(a, type, target);
                await a.ExpectErrorAsync(NotPaired);
            }
        }

        await b.ExpectNothingAsync();

        // The other checks come first.
        await a.SendAsync("""{"type":"offer","target":""}""");
        await a.ExpectErrorAsync("Missing required field: target");
        await a.SendAsync("""{"type":"call_offer","target":"BBBBBB"}""");
        await a.ExpectErrorAsync("Missing or invalid payload");
    }

    [Theory]
    [InlineData("pair")]
    [InlineData("link")]
    public async Task Forward_OnceMatched_GoesBothWays(string how)
    {
        await using var server = await StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var third = await TestClient.RegisterAsync(server, "CCCCCC");
        await AskAsync(how, a, b, "BBBBBB");

        // Asking is not enough.
        await SendAsync(a, "offer", "BBBBBB");
        await a.ExpectErrorAsync(NotPaired);
        await AnswerAsync(how, b, "AAAAAA", "BBBBBB", accepted: true);
        await a.ExpectAsync($"{how}_matched");
        await b.ExpectAsync($"{how}_matched");

        foreach (var type in Types)
        {
            foreach (var (from, to, fromCode, toCode) in new[] { (a, b, "AAAAAA", "BBBBBB"), (b, a, "BBBBBB", "AAAAAA") })
            {
                await SendAsync(from, type, toCode);
                Assert.Equal($$"""{"type":"{{type}}","from":"{{fromCode}}","payload":{{Payload}}}""", await to.ReceiveTextAsync());
            }
        }

        await SendAsync(third, "offer", "AAAAAA");
        await third.ExpectErrorAsync(NotPaired);
    }

    [Theory]
    [InlineData("pair")]
    [InlineData("link")]
    public async Task Forward_OnceRejected_IsRefused(string how)
    {
        await using var server = await StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await AskAsync(how, a, b, "BBBBBB");
        await AnswerAsync(how, b, "AAAAAA", "BBBBBB", accepted: false);
        await a.ExpectAsync($"{how}_rejected");

        await SendAsync(a, "offer", "BBBBBB");
        await a.ExpectErrorAsync(NotPaired);
        await SendAsync(b, "offer", "AAAAAA");
        await b.ExpectErrorAsync(NotPaired);
    }

    [Theory]
    [InlineData("pair", "AAAAAA", "BBBBBB")]
    [InlineData("pair", "BBBBBB", "AAAAAA")]
    [InlineData("link", "AAAAAA", "BBBBBB")]
    [InlineData("link", "BBBBBB", "AAAAAA")]
    public async Task Match_EitherLeaves_IsNotTheSuccessors(string how, string leaves, string stays)
    {
        await using var server = await StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        await MatchAsync(how, a, b, "AAAAAA", "BBBBBB");
        Assert.InRange(server.Sum<MatchTable>(matches => matches.Count), 1, 2);
        var (leaver, stayer) = leaves == "AAAAAA" ? (a, b) : (b, a);

        await leaver.CloseAsync();
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 1, "the partner is gone");

        await Eventually.TrueAsync(() => server.Sum<MatchTable>(matches => matches.Count) == 0, "the match is forgotten");
        await using var successor = await TestClient.RegisterAsync(server, leaves);
        await SendAsync(stayer, "offer", leaves);
        await stayer.ExpectErrorAsync(NotPaired);
        await SendAsync(successor, "offer", stays);
        await successor.ExpectErrorAsync(NotPaired);
    }

    [Fact]
    public async Task Match_OneMoreThanASocketMayHave_ForgetsTheOldest()
    {
        TestCluster.SkipWhereSpread("each remembers as many matches of its own clients as they may have");
        await using var server = await StartAsync(partners: 2);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        string[] codes = ["BBBBBB", "CCCCCC", "DDDDDD"];
        var others = new List<TestClient>();
        foreach (var code in codes)
        {
            others.Add(await TestClient.RegisterAsync(server, code));
            await MatchAsync("pair", a, others[^1], "AAAAAA", code);
        }

        await SendAsync(a, "offer", codes[0]);
        await a.ExpectErrorAsync(NotPaired);
        foreach (var i in new[] { 1, 2 })
        {
            await SendAsync(a, "offer", codes[i]);
            await others[i].ExpectAsync("offer");
        }

        Assert.Equal(2, server.Get<MatchTable>().Count);
        foreach (var other in others)
        {
            await other.DisposeAsync();
        }

        await Eventually.TrueAsync(() => server.Sum<MatchTable>(matches => matches.Count) == 0, "no pairs left");
    }

    [Fact]
    public async Task RequireMatch_ByDefault_IsOff()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");
        foreach (var type in Types)
        {
            await SendAsync(a, type, "BBBBBB");
            await b.ExpectAsync(type);
            await SendAsync(a, type, "ZZZZZZ");
            await a.ExpectErrorAsync("Peer not found: ZZZZZZ");
        }
    }

    private static Task<RelayServer> StartAsync(int partners = 256) => RelayServer.StartAsync(settings =>
        (settings.Signaling.RequireMatch, settings.Signaling.MatchesPerSocket) = (true, partners));

    private static Task SendAsync(TestClient client, string type, string target) =>
        client.SendAsync($$"""{"type":"{{type}}","target":"{{target}}","payload":{{Payload}}}""");

    private static async Task MatchAsync(string how, TestClient from, TestClient to, string fromCode, string toCode)
    {
        await AskAsync(how, from, to, toCode);
        await AnswerAsync(how, to, fromCode, toCode, accepted: true);
        await from.ExpectAsync($"{how}_matched");
        await to.ExpectAsync($"{how}_matched");
    }

    private static async Task AskAsync(string how, TestClient from, TestClient to, string toCode)
    {
        await from.SendAsync(how == "pair"
            ? $$"""{"type":"pair_request","targetCode":"{{toCode}}"}"""
            : $$"""{"type":"link_request","linkCode":"{{toCode}}","publicKey":"{{TestClient.Key("browser")}}"}""");
        await to.ExpectAsync(how == "pair" ? "pair_incoming" : "link_request");
    }

    private static Task AnswerAsync(string how, TestClient to, string fromCode, string toCode, bool accepted) => to.SendAsync(how == "pair"
        ? $$"""{"type":"pair_response","targetCode":"{{fromCode}}","accepted":{{(accepted ? "true" : "false")}}}"""
        : $$"""{"type":"link_response","linkCode":"{{toCode}}","accepted":{{(accepted ? "true" : "false")}}}""");
}
