using System.Net.Sockets;
using Grpc.Core;
using Relay.AdminApi;
using Relay.Configuration;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admission;

/// <summary>How refused clients are told while there are more and more of them, over real sockets.</summary>
public sealed class OverloadTests
{
    private const string Flooder = "127.0.0.2";
    private const string Other = "127.0.0.3";

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Flood_OfOneAddress_RaisesItsOwnLevelAndIsCountedExactly()
    {
        await using var server = await RelayServer.StartAsync(Few);
        await using var held = await TestClient.ConnectAsync(server, from: Flooder);
        await using var heldToo = await TestClient.ConnectAsync(server, from: Other);

        // Bounded by time: the relay looks once a second whether anybody is refused at all, which a fast client does not wait for.
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(60));
        var told = new List<string>();
        while (told.LastOrDefault() != "reset")
        {
            told.Add(await ToldAsync(server, Flooder));
            Assert.False(patience.IsCancellationRequested, "the flood is reset in the end");
        }

        // In order, each level at least once; thresholds are of one second, so a slow machine may need more of them.
        Assert.Equal(["close_frame", "http_status", "reset"], told.Distinct());
        Assert.Equal("close_frame", await ToldAsync(server, Other));
        await held.ExpectNothingAsync();

        var stats = await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
        Assert.Equal(told.Count + 1, stats.Refused.PerIpLimit);
        Assert.Equal(
            told.Append("close_frame").GroupBy(way => way).ToDictionary(ways => ways.Key, ways => (long)ways.Count()),
            stats.Overload.RejectionsTotal.ToDictionary());
        Assert.Equal(("normal", false), (stats.Overload.Level, stats.Overload.Pinned));
    }

    [Fact]
    public async Task Flood_AddressHasRoomAgain_IsLetIn()
    {
        await using var server = await RelayServer.StartAsync(Few);
        await using (await TestClient.ConnectAsync(server, from: Flooder))
        {
            while (await ToldAsync(server, Flooder) != "reset")
            {
                TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            }
        }

        await Eventually.TrueAsync(() => server.Get<Relay.Admission.ConnectionLedger>().Totals().Live == 0, "the place is free");
        await using var again = await TestClient.ConnectAsync(server, from: Flooder);
    }

    [Fact]
    public async Task Flooded_BehindAProxyThatNamesTheClient_GetsTheStatusAtMost()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Few(settings);
            settings.Admission.TrustedProxies = ["127.0.0.1"];
            settings.Admission.OverloadLevel = "critical";
        });
        using var held = await RawClient.UpgradeAsync(server, headers: "X-Forwarded-For: 203.0.113.7");

        using var client = await RawClient.ConnectAsync(server);
        await client.SendAsync(RawClient.Request(headers: "X-Forwarded-For: 203.0.113.7"));
        Assert.StartsWith("HTTP/1.1 429 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Flooded_BehindAProxyProtocolListener_IsCutAfterItsHeader()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            Few(settings);
            settings.Listen.ClientAddress = "ProxyProtocol";
            settings.Admission.TrustedProxies = ["127.0.0.1"];
            settings.Admission.OverloadLevel = "critical";
        });
        using var held = await RawClient.ConnectAsync(server);
        await held.SendAsync("PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n" + RawClient.Request());
        Assert.StartsWith("HTTP/1.1 101 ", await held.ReadHeadAsync(), StringComparison.Ordinal);

        using var cut = await RawClient.ConnectAsync(server);
        await cut.SendAsync("PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n" + RawClient.Request());
        Assert.Equal("", await cut.ReadHeadAsync());
        using var other = await RawClient.ConnectAsync(server);
        await other.SendAsync("PROXY TCP4 203.0.113.8 192.0.2.1 1 2\r\n" + RawClient.Request());
        Assert.StartsWith("HTTP/1.1 101 ", await other.ReadHeadAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("normal", "close_frame")]
    [InlineData("elevated", "http_status")]
    public async Task Pinned_WhileItRuns_HoldsWhateverHappens(string level, string told)
    {
        await using var server = await RelayServer.StartAsync(Few);
        await using var held = await TestClient.ConnectAsync(server, from: Flooder);
        var admin = new PolicyAdmin(server.Channel);
        await admin.SetAsync(new LimitSettings { OverloadLevel = System.Enum.Parse<OverloadMode>(level, ignoreCase: true) });

        for (var i = 0; i < 40; i++)
        {
            Assert.Equal(told, await ToldAsync(server, Flooder));
        }

        var refusing = (await server.Admin.GetStatsAsync(new GetStatsRequest(), Call)).Overload;
        Assert.Equal((level, true), (refusing.Level, refusing.Pinned));
    }

    [Fact]
    public async Task Banned_WhileBusy_IsCutWithoutAWord()
    {
        await using var server = await RelayServer.StartAsync(Few);
        var admin = new PolicyAdmin(server.Channel);
        await admin.BanAsync(Flooder, force: true);
        using (var calm = await RawClient.UpgradeAsync(server, Flooder))
        {
            Assert.Equal((1008, "Banned"), await calm.ReadCloseAsync());
        }

        // By itself: private networks are spared the level of everybody.
        while (await ToldAsync(server, Flooder) != "reset")
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
        }

        Assert.Equal("open", await ToldAsync(server, Other));
    }

    private static void Few(RelaySettings settings)
    {
        settings.Admission.PerIp = 1;
        settings.Admission.OverloadLevel = "auto";
        settings.Overload.ElevatedPerIp = 3;
        settings.Overload.CriticalPerIp = 6;

        // Whatever else this machine does at the time.
        settings.Overload.ElevatedTotal = settings.Overload.CriticalTotal = 1_000_000;
    }

    /// <summary>How a new one fares: open, close, status or cut.</summary>
    private static async Task<string> ToldAsync(RelayServer server, string from)
    {
        try
        {
            using var client = await RawClient.ConnectAsync(server, from);
            await client.SendAsync(RawClient.Request());
            return await ToldAsync(client);
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // Cut so soon that it could not even ask.
            return "reset";
        }
    }

    private static async Task<string> ToldAsync(RawClient client)
    {
        var head = await client.ReadHeadAsync();
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            return head.Length == 0 ? "reset" : "http_status";
        }

        if ((await client.ReadFrameAsync()).Opcode != 8)
        {
            return "open";
        }

        await client.SendAsync(RawClient.CloseFrame);
        return "close_frame";
    }
}
