using Microsoft.Extensions.Time.Testing;
using Relay.Clients;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Signaling;

/// <summary>link_request and link_response (docs/protocol.md, Linking a browser). P is the phone, B the browser.</summary>
[Trait("Clients", "Spread")]
public sealed class LinkingTests
{
    private const string NotPossible = "Link request could not be processed";
    private const string NothingAsked = "No pending link request found";
    private const string Timeout = """{"type":"link_timeout","linkCode":"PPPPPP"}""";

    private static readonly string BrowserKey = TestClient.Key("the browser's");

    [Fact]
    public async Task Link_Accepted_BothLearnTheOthersKey()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");

        await RequestAsync(browser, more: ""","deviceName":" Firefox on Linux " """);
        Assert.Equal(
            $$"""{"type":"link_request","linkCode":"PPPPPP","publicKey":"{{BrowserKey}}","deviceName":"Firefox on Linux","expiresIn":120000}""",
            await phone.ReceiveTextAsync());
        await browser.ExpectNothingAsync();

        await RespondAsync(phone, more: ""","deviceId":"d-1" """);
        Assert.Equal(
            $$"""{"type":"link_matched","linkCode":"PPPPPP","peerPublicKey":"{{TestClient.Key("PPPPPP")}}","isInitiator":true,"deviceId":"d-1"}""",
            await browser.ReceiveTextAsync());
        Assert.Equal(
            $$"""{"type":"link_matched","linkCode":"PPPPPP","peerPublicKey":"{{BrowserKey}}","isInitiator":false,"webClientCode":"BBBBBB","deviceName":"Firefox on Linux"}""",
            await phone.ReceiveTextAsync());

        // It is answered: no second time.
        await RespondAsync(phone);
        await ExpectLinkErrorAsync(phone, NothingAsked);
    }

    [Fact]
    public async Task Link_Rejected_OnlyTheBrowserIsTold()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");

        await RespondAsync(phone, accepted: false);

        Assert.Equal("""{"type":"link_rejected","linkCode":"PPPPPP"}""", await browser.ReceiveTextAsync());
        await phone.ExpectNothingAsync();
        Assert.Equal(0, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Link)));
    }

    // In the reference network names of any kind and length went through.
    [Theory]
    [InlineData(null, "Unknown Browser", null)]
    [InlineData("null", "Unknown Browser", null)]
    [InlineData("7", "Unknown Browser", null)]
    [InlineData("{\"a\":1}", "Unknown Browser", null)]
    [InlineData("\"\"", "Unknown Browser", null)]
    [InlineData("\" \\t\"", "Unknown Browser", null)]
    [InlineData("\" Ann's \"", "Ann's", "Ann's")]
    [InlineData("LONG", "LONG", "LONG")]
    public async Task Names_OfAnyKind_AreTrimmedAndCutOrLeftOut(string? value, string deviceName, string? deviceId)
    {
        var cut = new string('x', 127);
        string? Long(string? text, string with) => text?.Replace("LONG", with, StringComparison.Ordinal);
        value = Long(value, $"\"{cut}😀\"");
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");

        await RequestAsync(browser, more: value is null ? "" : $",\"deviceName\":{value}");
        await phone.ExpectAsync("link_request");
        await RespondAsync(phone, more: value is null ? "" : $",\"deviceId\":{value}");

        var toPhone = await phone.ExpectAsync("link_matched");
        var toBrowser = await browser.ExpectAsync("link_matched");
        Assert.Equal(Long(deviceName, cut), toPhone.GetProperty("deviceName").GetString());
        Assert.Equal(Long(deviceId, cut), toBrowser.TryGetProperty("deviceId", out var id) ? id.GetString() : null);
    }

    /// <summary>In the order of the checks: each row has the next one's error too. The last is no error but a link_error.</summary>
    public static TheoryData<string, string, string> BadRequests => new()
    {
        { "", "", "Missing required field: linkCode" },
        { "PPPPP0", "", "Invalid link code format" },
        { "pppppp", "", "Invalid link code format" },
        { "ZZZZZZ", "", "Missing required field: publicKey" },
        { "ZZZZZZ", "no key!", "Invalid public key format" },
        { "ZZZZZZ", "AAAA", "Invalid public key length" },
        { "ZZZZZZ", BrowserKey, NotPossible },
        { "BBBBBB", BrowserKey, NotPossible },
    };

    // In the reference network the key was not looked at.
    [Theory]
    [MemberData(nameof(BadRequests))]
    public async Task Request_Mistaken_IsToldTheFirstMistake(string link, string key, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var stranger = await TestClient.ConnectAsync(server);
        await RequestAsync(stranger, link, key);
        await stranger.ExpectErrorAsync("Not registered. Send register message first.");

        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser, link, key);

        await (error == NotPossible ? ExpectLinkErrorAsync(browser, error) : browser.ExpectErrorAsync(error));
        Assert.Equal(0, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Link)));
    }

    [Theory]
    [InlineData("", "Invalid link code format")]
    [InlineData("nonsense", "Invalid link code format")]
    [InlineData("BBBBBB", "Cannot respond to link request for another device")]
    [InlineData("PPPPPP", NothingAsked)]
    public async Task Response_Mistaken_IsToldTheFirstMistake(string link, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var stranger = await TestClient.ConnectAsync(server);
        await RespondAsync(stranger, link);
        await stranger.ExpectErrorAsync("Not registered. Send register message first.");

        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RespondAsync(phone, link);

        await (error == NothingAsked ? ExpectLinkErrorAsync(phone, error) : phone.ExpectErrorAsync(error));
        await browser.ExpectNothingAsync();
    }

    // In the reference network another browser took the place of the one that the phone's owner was looking at, and got the approval.
    [Fact]
    public async Task Request_WhileAnotherBrowserIsShown_WaitsForItsTurn()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var thief = await TestClient.RegisterAsync(server, "TTTTTT", from: "127.0.0.2");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");

        await RequestAsync(thief, key: TestClient.Key("the thief's"));

        await phone.ExpectNothingAsync();
        await thief.ExpectNothingAsync();
        await RespondAsync(phone);
        await browser.ExpectAsync("link_matched");
        var matched = await phone.ExpectAsync("link_matched");
        Assert.Equal(("BBBBBB", BrowserKey), (matched.GetProperty("webClientCode").GetString(), matched.GetProperty("peerPublicKey").GetString()));
        await thief.ExpectNothingAsync();

        // Its turn.
        Assert.Equal(TestClient.Key("the thief's"), (await phone.ExpectAsync("link_request")).GetProperty("publicKey").GetString());
    }

    [Theory]
    [InlineData("rejected")]
    [InlineData("expired")]
    [InlineData("left")]
    public async Task Request_BehindAStrangers_IsShownWhenThatHasEnded(string end)
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var stranger = await TestClient.RegisterAsync(server, "TTTTTT", from: "127.0.0.2");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(stranger);
        await phone.ExpectAsync("link_request");
        await server.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(50));
        await RequestAsync(browser);
        await browser.ExpectNothingAsync();
        await server.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(50));

        switch (end)
        {
            case "rejected":
                await RespondAsync(phone, accepted: false);
                await stranger.ExpectAsync("link_rejected");
                break;
            case "expired":
                time.Advance(TimeSpan.FromSeconds(20));
                Assert.Equal(Timeout, await phone.ReceiveTextAsync());
                break;
            default:
                // The pings of the time that has passed are answered first: the client library would answer them in the middle of closing.
                await stranger.ExpectNothingAsync();
                await stranger.CloseAsync();
                Assert.Equal(Timeout, await phone.ReceiveTextAsync());
                break;
        }

        Assert.Equal(end == "expired" ? 50_000 : 70_000, (await phone.ExpectAsync("link_request")).GetProperty("expiresIn").GetInt64());
        await RespondAsync(phone);
        await browser.ExpectAsync("link_matched");
        Assert.Equal("BBBBBB", (await phone.ExpectAsync("link_matched")).GetProperty("webClientCode").GetString());
    }

    /// <summary>One address has one place however many sockets it opens; ten in one network are too many beside one elsewhere.</summary>
    [Fact]
    public async Task Requests_OfACrowdInOneNetwork_LeaveAPlaceForAnother()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.TrustedProxies = ["127.0.0.0/8"]);
        await using var phone = await TestClient.RegisterBehindProxyAsync(server, "PPPPPP", "192.0.2.1");
        var strangers = new List<TestClient>();
        for (var i = 0; i < 10; i++)
        {
            strangers.Add(await TestClient.RegisterBehindProxyAsync(server, $"TTTTT{(char)('A' + (i < 8 ? i : i + 1))}", $"203.0.113.{i}"));
            await RequestAsync(strangers[i]);
            await strangers[i].ExpectNothingAsync();
        }

        await phone.ExpectAsync("link_request");
        await using var second = await TestClient.RegisterBehindProxyAsync(server, "TTTTTZ", "203.0.113.1");
        await RequestAsync(second);
        await ExpectLinkErrorAsync(second, NotPossible);

        await using var browser = await TestClient.RegisterBehindProxyAsync(server, "BBBBBB", "198.51.100.1");
        await RequestAsync(browser);
        await browser.ExpectNothingAsync();

        Assert.Equal(10, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Link)));
        foreach (var stranger in strangers)
        {
            await stranger.DisposeAsync();
        }

        while ((await phone.ReceiveTextAsync()) is var text && !text.Contains(BrowserKey, StringComparison.Ordinal))
        {
            Assert.Contains("link_", text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Request_Repeated_LivesAnewWithTheNewKeyAndName()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");
        await server.SettleAsync();

        time.Advance(TimeSpan.FromSeconds(119));
        await RequestAsync(browser, key: TestClient.Key("new"), more: ",\"deviceName\":\"Second\"");
        Assert.Equal("Second", (await phone.ExpectAsync("link_request")).GetProperty("deviceName").GetString());
        await server.SettleAsync();
        time.Advance(TimeSpan.FromSeconds(119));
        await browser.ExpectNothingAsync();
        await RespondAsync(phone);

        await browser.ExpectAsync("link_matched");
        Assert.Equal(TestClient.Key("new"), (await phone.ExpectAsync("link_matched")).GetProperty("peerPublicKey").GetString());
        time.Advance(TimeSpan.FromSeconds(10));
        await browser.ExpectNothingAsync();
        await phone.ExpectNothingAsync();
    }

    [Fact]
    public async Task Request_NobodyAnswers_BothAreToldAtTheEnd()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.SilenceTimeout = TimeSpan.FromHours(1), time);
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");
        await server.SettleAsync();

        time.Advance(TimeSpan.FromSeconds(119));
        await browser.ExpectNothingAsync();
        time.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((Timeout, Timeout), (await browser.ReceiveTextAsync(), await phone.ReceiveTextAsync()));
        await RespondAsync(phone);
        await ExpectLinkErrorAsync(phone, NothingAsked);
        await browser.ExpectNothingAsync();
    }

    // In the reference network a browser whose phone had left waited for ever.
    [Fact]
    public async Task Phone_Leaves_BrowserIsToldAtOnce()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");

        await phone.CloseAsync();

        Assert.Equal(Timeout, await browser.ReceiveTextAsync());
        Assert.Equal(0, server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Link)));
    }

    [Fact]
    public async Task Browser_Leaves_PhoneIsToldAtOnceAndCannotAccept()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");

        await browser.CloseAsync();

        Assert.Equal(Timeout, await phone.ReceiveTextAsync());
        await RespondAsync(phone);
        await ExpectLinkErrorAsync(phone, NothingAsked);
        await Eventually.TrueAsync(() => server.Sum<ClientDirectory>(clients => clients.Counts().Codes) == 1, "the browser is gone");
    }

    [Fact]
    public async Task LinkAndPairRequest_BetweenTheSameTwo_AreApart()
    {
        await using var server = await RelayServer.StartAsync();
        await using var phone = await TestClient.RegisterAsync(server, "PPPPPP");
        await using var browser = await TestClient.RegisterAsync(server, "BBBBBB");
        await RequestAsync(browser);
        await phone.ExpectAsync("link_request");
        await browser.SendAsync("""{"type":"pair_request","targetCode":"PPPPPP"}""");
        await phone.ExpectAsync("pair_incoming");

        Assert.Equal((1, 1), (server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Pair)), server.Sum<PendingRequests>(requests => requests.Count(RequestKind.Link))));
        await phone.SendAsync("""{"type":"pair_response","targetCode":"BBBBBB","accepted":false}""");
        await browser.ExpectAsync("pair_rejected");
        await RespondAsync(phone);
        await browser.ExpectAsync("link_matched");
    }

    private static Task RequestAsync(TestClient browser, string link = "PPPPPP", string? key = null, string more = "") =>
        browser.SendAsync($$"""{"type":"link_request","linkCode":"{{link}}","publicKey":"{{key ?? BrowserKey}}"{{more}}}""");

    private static Task RespondAsync(TestClient phone, string link = "PPPPPP", bool accepted = true, string more = "") =>
        phone.SendAsync($$"""{"type":"link_response","linkCode":"{{link}}","accepted":{{(accepted ? "true" : "false")}}{{more}}}""");

    private static async Task ExpectLinkErrorAsync(TestClient client, string error) =>
        Assert.Equal(error, (await client.ExpectAsync("link_error")).GetProperty("error").GetString());
}
