using Microsoft.Playwright;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hosting;

/// <summary>A real Chromium with real WebRTC against the real server. tests/install-browser.sh gets the browser.</summary>
public sealed class BrowserTests
{
    // Connects, keeps what arrives, and leaves next(), say() and ended in the page.
    private const string Connect = """
        url => new Promise(opened => {
            const inbox = [], waiting = [];
            const socket = new WebSocket(url);
            socket.onmessage = event => {
                const message = JSON.parse(event.data);
                waiting.length ? waiting.shift()(message) : inbox.push(message);
            };
            socket.onopen = opened;
            window.ended = new Promise(resolve => socket.onclose = event => resolve(`${event.code} ${event.reason} ${event.wasClean}`));
            window.say = message => socket.send(JSON.stringify(message));
            window.next = async type => {
                const message = inbox.length ? inbox.shift() : await new Promise(resolve => waiting.push(resolve));
                if (message.type !== type) throw new Error(`expected ${type}, got ${JSON.stringify(message)}`);
                return message;
            };
        })
        """;

    private const string Register = """
        async ([code, key]) => {
            await next('server_info');
            await next('server_identity');
            say({ type: 'register', pairingCode: code, publicKey: key });
            await next('registered');
        }
        """;

    private const string Call = """
        async () => {
            say({ type: 'pair_request', targetCode: 'BBBBBB', proposedName: 'Änne' });
            const matched = await next('pair_matched');
            const peer = new RTCPeerConnection();
            peer.createDataChannel('chat');
            const offer = await peer.createOffer();
            await peer.setLocalDescription(offer);
            say({ type: 'offer', target: matched.peerCode, payload: { type: offer.type, sdp: offer.sdp } });
            const answer = await next('answer');
            await peer.setRemoteDescription(answer.payload);
            return [matched.isInitiator, peer.signalingState, answer.from, offer.sdp, answer.payload.sdp].join('|');
        }
        """;

    private const string Take = """
        async () => {
            const incoming = await next('pair_incoming');
            say({ type: 'pair_response', targetCode: incoming.fromCode, accepted: true });
            const matched = await next('pair_matched');
            const offer = await next('offer');
            const peer = new RTCPeerConnection();
            await peer.setRemoteDescription(offer.payload);
            const answer = await peer.createAnswer();
            await peer.setLocalDescription(answer);
            say({ type: 'answer', target: offer.from, payload: { type: answer.type, sdp: answer.sdp } });
            return [matched.isInitiator, peer.signalingState, offer.from, offer.payload.sdp, answer.sdp].join('|');
        }
        """;

    [Fact]
    public async Task Pair_TwoPages_ExchangeOfferAndAnswerAndAThirdIsToldWhyNot()
    {
        var chromium = Chromium();
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 2);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = chromium,
            Args =
            [
                "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-component-update", "--disable-sync",
            ],
        });
        var caller = await OpenAsync(browser, server);
        var taker = await OpenAsync(browser, server);
        await caller.EvaluateAsync(Register, new[] { "AAAAAA", TestClient.Key("AAAAAA") });
        await taker.EvaluateAsync(Register, new[] { "BBBBBB", TestClient.Key("BBBBBB") });

        var taking = taker.EvaluateAsync<string>(Take);
        var called = (await InTime(caller.EvaluateAsync<string>(Call))).Split('|');
        var taken = (await InTime(taking)).Split('|');

        Assert.Equal(["true", "stable", "BBBBBB"], called[..3]);
        Assert.Equal(["false", "stable", "AAAAAA"], taken[..3]);
        Assert.Contains("m=application", called[3], StringComparison.Ordinal);
        Assert.Equal(called[3..], taken[3..]);

        var third = await OpenAsync(browser, server);
        Assert.Equal("1013 Too many connections from this IP true", await InTime(third.EvaluateAsync<string>("() => ended")));
    }

    private static async Task<IPage> OpenAsync(IBrowser browser, RelayServer server)
    {
        var page = await browser.NewPageAsync();
        await InTime(page.EvaluateAsync<object?>(Connect, $"ws://127.0.0.1:{server.Port}/"));
        return page;
    }

    private static Task<T> InTime<T>(Task<T> task) =>
        task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    private static string Chromium()
    {
        const string HowTo = "no Chromium here: run tests/install-browser.sh or set RELAY_CHROMIUM";
        var wanted = Environment.GetEnvironmentVariable("RELAY_CHROMIUM") is { Length: > 0 } set ? set : "chromium";
        var found = (Environment.GetEnvironmentVariable("PATH") ?? "")
            .Split(Path.PathSeparator)
            .Select(folder => Path.Combine(folder, wanted))
            .FirstOrDefault(File.Exists);
        if (found is null)
        {
            Assert.SkipUnless(Environment.GetEnvironmentVariable("CI") == "true", HowTo);
            Assert.Fail(HowTo);
        }

        return found;
    }
}
