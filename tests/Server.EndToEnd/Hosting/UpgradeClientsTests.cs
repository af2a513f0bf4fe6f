using System.Globalization;
using System.Text;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Hosting;

/// <summary>Clients that are connected while a new process takes the place of relayd do not notice.</summary>
[Trait("Programs", "Started")]
public sealed class UpgradeClientsTests : IDisposable
{
    // A new process that comes as far as to be told of the clients, reads some of it, and is killed.
    private const string KilledHalfWay =
        @"printf '\x04\0\0\0\0\0\0\0\x0a\x02\x08\x02' >&$RELAYD_UPGRADE_FD; printf '\x02\0\0\0\0\0\0\0\x1a\0' >&$RELAYD_UPGRADE_FD; "
        + @"printf '\x02\0\0\0\0\0\0\0\x4a\0' >&$RELAYD_UPGRADE_FD; head -c 4000 <&$RELAYD_UPGRADE_FD >/dev/null; kill -9 $$";

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-upgrade-").FullName;

    public UpgradeClientsTests() => Assert.SkipUnless(Upgrading.MovesClients, "SKIPPED: clients that Kestrel carries do not move.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>RELAY_TEST_UPGRADE_PAIRS is the number of pairs, 50 without it; with it there are ten upgrades.</summary>
    [Fact]
    public async Task Upgrade_AgainAndAgainAndOnceKilledHalfWay_PairsThatTalkNoticeNothing()
    {
        var wanted = Environment.GetEnvironmentVariable("RELAY_TEST_UPGRADE_PAIRS");
        var (pairs, upgrades) = int.TryParse(wanted, NumberStyles.None, CultureInfo.InvariantCulture, out var count) ? (count, 10) : (50, 3);
        var script = Path.Combine(_folder, "relayd.sh");
        await using var relay = await RelayProcess.StartByScriptAsync(
            script,
            FormattableString.Invariant($"--Admission:PerIp={2 * pairs}"),
            "--Admission:ConnectRatePerIp=off",
            "--Sessions:MessagesPerMinute=1000000",
            "--Admission:RejectionMode=HttpStatus");
        var text = await File.ReadAllTextAsync(script, Token);
        var talking = new List<TalkingPair>();
        try
        {
            for (var i = 0; i < pairs; i++)
            {
                talking.Add(await TalkingPair.ConnectAsync(relay.Port, i));
            }

            talking.ForEach(pair => pair.Start());

            for (var round = 1; round <= upgrades; round++)
            {
                if (round == 2)
                {
                    RelayProcess.WriteScript(script, KilledHalfWay);
                    var error = await Assert.ThrowsAsync<RpcException>(() => relay.UpgradeAsync());
                    Assert.Equal((StatusCode.Aborted, "the relay goes on as before: the new process has ended with exit code 137; its log says why"), (error.StatusCode, error.Status.Detail));
                    RelayProcess.WriteScript(script, text);
                }
                else
                {
                    var done = await relay.UpgradeAsync();
                    Assert.Equal((2L * pairs, 0L), (done.Moved, done.Remaining));
                    TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(
                        $"{done.Moved} clients moved in {done.Standstill.ToTimeSpan().TotalMilliseconds:0} ms"));
                }

                // Nobody comes in while all places are taken, and all go on.
                Assert.StartsWith("HTTP/1.1 429 ", await AnswerAsync(relay), StringComparison.Ordinal);
                var before = talking.ConvertAll(pair => pair.Heard);
                await Eventually.TrueAsync(
                    () => talking.Exists(pair => pair.HasFailed) || talking.Zip(before).All(pair => pair.First.Heard > pair.Second), "all pairs go on", Upgrading.Patience);
            }

            foreach (var pair in talking)
            {
                await pair.StopAsync();
            }

            TestContext.Current.TestOutputHelper?.WriteLine(FormattableString.Invariant(
                $"{talking.Sum(pair => pair.Heard)} answers, the longest wait {talking.Max(pair => pair.Longest).TotalMilliseconds:0} ms"));
            await relay.LedgerIsAsync(2 * pairs);
        }
        finally
        {
            foreach (var pair in talking)
            {
                await pair.DisposeAsync();
            }
        }

        // But for the failure that was wanted.
        Assert.DoesNotContain("bug in relayd", relay.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Unhandled exception", relay.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Upgrade_AllPlacesAreTaken_NobodyTakesOneMoreAndThoseThatBecomeFreeAreTaken()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=20", "--Admission:ConnectRatePerIp=off", "--Admission:RejectionMode=HttpStatus");
        var clients = new List<RawClient>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await RawClient.UpgradeAsync(relay.Port));
        }

        using var stop = new CancellationTokenSource();
        var answers = new System.Collections.Concurrent.ConcurrentBag<string>();
        var flood = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    answers.Add(await AnswerAsync(relay));
                }
                catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
                {
                    // A flood is reset.
                    answers.Add(exception.Message);
                }
            }
        })).ToList();

        var done = await relay.UpgradeAsync();
        await stop.CancelAsync();
        await Task.WhenAll(flood);

        Assert.Equal(20, done.Moved);
        Assert.NotEmpty(answers);
        Assert.All(answers, answer => Assert.DoesNotContain("101 Switching", answer, StringComparison.Ordinal));
        await relay.LedgerIsAsync(20);
        clients[0].Dispose();
        await Eventually.TrueAsync(async () => (await AnswerAsync(relay)).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal), "the place is free", Upgrading.Patience);
        clients.ForEach(client => client.Dispose());
        await relay.LedgerIsAsync(0);
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task Upgrade_HalfOfEverything_GoesOnWhereItWas()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=100");
        await using var asking = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        await using var asked = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        await asking.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        await asked.ExpectAsync("pair_incoming");

        // A frame in pieces within a message in pieces, a request in pieces, an upgrade whose answer nobody has read.
        await using var slow = await RawWebSocket.OpenAsync(relay.Port);
        await slow.ReadTextAsync();
        await slow.ReadTextAsync();
        await slow.WriteFrameAsync(0x01, Encoding.ASCII.GetBytes("""{"type":"""));
        var rest = RawWebSocket.Frame(0x80, Encoding.ASCII.GetBytes("\"ping\",\"pad\":\"äöü\"}".Replace('ä', 'a')));
        await slow.WriteAsync(rest[..9]);
        using var late = await RawClient.ConnectAsync(relay.Port);
        var request = RawClient.Request();
        await late.SendAsync(request[..40]);
        await using var unread = await RawWebSocket.DialAsync(relay.Port);
        await unread.WriteAsync($"GET / HTTP/1.1\r\nHost: localhost\r\n{RawWebSocket.Upgrade}\r\n");
        await Eventually.TrueAsync(() => ConnectionsAsync(relay, 4), "all are in", Upgrading.Patience);

        var done = await relay.UpgradeAsync();

        Assert.Equal((4L, 0L), (done.Moved, done.Remaining));
        await relay.EndedAsync();
        await slow.WriteAsync(rest[9..]);
        Assert.Equal("""{"type":"pong"}""", await slow.ReadTextAsync());
        await late.SendAsync(request[40..]);
        Assert.StartsWith("HTTP/1.1 101 ", await late.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 101 ", await unread.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Contains("server_info", await unread.ReadTextAsync(), StringComparison.Ordinal);
        await asked.SendAsync("""{"type":"pair_response","targetCode":"AAAAAA","accepted":true}""");
        await asking.ExpectAsync("pair_matched");
        await asked.ExpectAsync("pair_matched");
        await asking.ExpectNothingAsync();
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task Upgrade_WhatWaitsForASlowReader_ComesWholeAndInOrder()
    {
        await using var relay = await RelayProcess.StartAsync("--Sessions:MessagesPerMinute=100000", $"--Sessions:BytesBurst={1 << 29}", "--Sessions:SendTimeout=5m");
        await using var reader = await RawWebSocket.OpenAsync(relay.Port, receiveBuffer: 256 * 1024);
        await reader.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"PPPPPP","publicKey":"{{TestClient.Key("P")}}"}""");
        while (!(await reader.ReadTextAsync()).Contains("\"registered\"", StringComparison.Ordinal))
        {
        }

        await using var sender = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        var sent = 0;
        for (var refused = false; !refused && sent < 1000;)
        {
            await sender.SendAsync(StalledReceiver.Offer(sent.ToString(CultureInfo.InvariantCulture).PadRight(60_000, 'x')));
            await sender.SendAsync("""{"type":"ping"}""");
            refused = await sender.ReceiveTextAsync() == StalledReceiver.Busy;
            sent += refused ? 0 : 1;
            if (refused)
            {
                await sender.ExpectAsync("pong");
            }
        }

        Assert.Equal((2L, 0L), await relay.UpgradeAsync() is var done ? (done.Moved, done.Remaining) : default);
        for (var i = 0; i < sent; i++)
        {
            var text = await reader.ReadTextAsync();
            Assert.Contains(FormattableString.Invariant($"\"payload\":\"{i}x"), text, StringComparison.Ordinal);
            Assert.EndsWith("x\"}", text, StringComparison.Ordinal);
        }

        await sender.SendAsync(StalledReceiver.Offer("last"));
        Assert.Contains("\"last\"", await reader.ReadTextAsync(), StringComparison.Ordinal);
        relay.AssertNothingWrong();
    }

    [Fact]
    public async Task Upgrade_ChannelsRelaysAndTokens_AreKept()
    {
        await using var relay = await RelayProcess.StartAsync();
        await using var owner = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        await using var subscriber = await TestClient.RegisterAsync(relay.Port, "BBBBBB");
        await using var peer = await TestClient.ConnectAsync(relay.Port);
        await peer.SendAsync("""{"type":"register","peerId":"peer","maxConnections":10}""");
        await peer.ExpectAsync("registered");
        await owner.OwnAsync("news");
        await subscriber.JoinAsync("news");
        await subscriber.JoinAsync("away");
        await owner.StartAsync("news", 1);
        await subscriber.ExpectAsync("stream-start");
        await subscriber.UpstreamAsync("away", "1");
        await subscriber.UpstreamAsync("away", "2");
        await owner.MeetAsync("'peerId':'AAAAAA','hourlyTokens':['token'],'relayId':'here'");

        Assert.Equal(3, (await relay.UpgradeAsync()).Moved);

        await owner.SendAsync(ChannelClient.Frame("news", "7"));
        Assert.Equal(7, (await subscriber.ExpectAsync("stream-frame")).GetProperty("frame").GetInt32());
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"away"}""");
        await owner.ExpectUpstreamAsync("1", "2");
        await owner.ExpectAsync("channel-owner-registered");
        await subscriber.SendAsync("""{"type":"get_relays","peerId":"other"}""");
        Assert.Equal("peer", (await subscriber.ExpectAsync("relays")).GetProperty("relays")[0].GetProperty("peerId").GetString());
        var found = await subscriber.MeetAsync("'peerId':'BBBBBB','hourlyTokens':['token']");
        Assert.Equal(["AAAAAA"], found.Matches());
        await owner.ExpectAsync("rendezvous_match");
        relay.AssertNothingWrong();
    }

    // The database belongs to the new process when it comes: it is handled there, and by nobody else.
    [Fact]
    public async Task Upgrade_WhileRegistrationsWaitForTheDatabase_EachIsAnsweredOnce()
    {
        await using var relay = await RelayProcess.StartAsync("--Sessions:MessagesPerMinute=100000");
        await using var client = await TestClient.RegisterAsync(relay.Port, "AAAAAA");
        using var stop = new CancellationTokenSource();
        var asked = 0;
        var meeting = MeetAsync();
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) > 3, "it asks");

        Assert.Equal(1, (await relay.UpgradeAsync()).Moved);

        var before = Volatile.Read(ref asked);
        await Eventually.TrueAsync(() => Volatile.Read(ref asked) > before + 3 || meeting.IsCompleted, "it goes on", Upgrading.Patience);
        await stop.CancelAsync();
        await meeting;
        await client.ExpectNothingAsync();
        relay.AssertNothingWrong();

        async Task MeetAsync()
        {
            for (; !stop.IsCancellationRequested; asked++)
            {
                await client.MeetAsync(FormattableString.Invariant($"'peerId':'AAAAAA','dailyPoints':['p{asked}'],'deadDrop':'letter'"));
            }
        }
    }

    private static async Task<bool> ConnectionsAsync(RelayProcess relay, int count)
    {
        using var channel = relay.OpenChannel();
        var stats = await new AdminService.AdminServiceClient(channel).GetStatsAsync(new GetStatsRequest(), cancellationToken: Token);
        return stats.Connections.Current == count;
    }

    private static async Task<string> AnswerAsync(RelayProcess relay)
    {
        using var client = await RawClient.ConnectAsync(relay.Port);
        await client.SendAsync(RawClient.Request());
        return await client.ReadHeadAsync();
    }
}
