using Relay.EndToEnd.Support;
using Relay.Sessions;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.EndToEnd.Transport.RawWire;

/// <summary>Connections that end where they should not, or whose client does not read. The server they are made to must be empty afterwards.</summary>
public sealed class BrokenConnectionsTests
{
    private const string Request = $"GET / HTTP/1.1\r\nHost: localhost\r\n{RawWebSocket.Upgrade}\r\n";
    private static readonly byte[] Ping = RawWebSocket.Frame(0x81, """{"type":"ping"}"""u8.ToArray());

    // Without a close frame the client is gone: whether an answer still reaches it depends on who is faster.
    [Fact]
    public async Task Fin_BehindTheRequest_TheConnectionEnds()
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync(Request);
            raw.EndSending();
            var head = await raw.ReadHeadAsync();
            Assert.True(head.Length == 0 || head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal), head);
            await raw.ReadToEndAsync();
            await IsEmptyAsync(server);
        }
    }

    [Fact]
    public async Task Fin_BehindFrames_TheConnectionEnds()
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            await raw.WriteAsync([.. Ping, .. Ping]);
            raw.EndSending();
            await raw.ReadToEndAsync();
            await IsEmptyAsync(server);
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("GET / HTTP/1.1\r\nHos")]
    public async Task Fin_BeforeTheRequestIsWhole_TheConnectionEnds(string request)
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync(request);
            raw.EndSending();
            await raw.ReadToEndAsync();
            await IsEmptyAsync(server);
        }
    }

    [Theory]
    [InlineData("8185", "in the middle of a frame's header")]
    [InlineData("81850000000022", "in the middle of a payload")]
    [InlineData("01810000000022", "between fragments")]
    public async Task Fin_InAMessage_TheConnectionEnds(string hex, string where)
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            await raw.WriteAsync(Convert.FromHexString(hex));
            raw.EndSending();
            await raw.ReadToEndAsync();
            await IsEmptyAsync(server);
        }

        Assert.NotEmpty(where);
    }

    [Theory]
    [InlineData("connected")]
    [InlineData("mid-head")]
    [InlineData("requested")]
    [InlineData("open")]
    [InlineData("mid-frame-head")]
    [InlineData("mid-frame")]
    [InlineData("mid-message")]
    [InlineData("closing")]
    [InlineData("refused")]
    public async Task Reset_AtEveryStage_LeavesNothing(string stage)
    {
        await using var server = await StartAsync();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => ResetAsync(server, stage)));
        await IsEmptyAsync(server);
        await using var honest = await TestClient.RegisterAsync(server, "AAAAAA");
        await honest.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("closing")]
    [InlineData("refused")]
    public async Task Fin_AfterTheEnd_LeavesNothing(string stage)
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.DialAsync(server))
        {
            await raw.WriteAsync(stage == "refused" ? Request.Replace("Version: 13", "Version: 12", StringComparison.Ordinal) : Request);
            Assert.StartsWith(stage == "refused" ? "HTTP/1.1 400 " : "HTTP/1.1 101 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
            if (stage == "closing")
            {
                // A reserved bit: the server closes, and would wait for our close frame.
                await raw.WriteFrameAsync(0xC1, []);
                Assert.Equal(1002, (await raw.ReadCloseAsync()).Code);
            }

            raw.EndSending();
            await raw.ReadToEndAsync();
            await IsEmptyAsync(server);
        }
    }

    /// <summary>
    /// Its message waits for the disk when it goes. On the engine it still gets the answer after a FIN, and after a reset it holds no
    /// slot while the disk works; Kestrel notices both later.
    /// </summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task End_WhileAMessageWaits_LeavesNothing(bool isReset)
    {
        var isEngine = TestTransport.Kind != TransportKind.Kestrel;
        await using var server = await StartAsync();
        using var released = new ManualResetEventSlim();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            await raw.WriteTextFrameAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{TestClient.Key("A")}}"}""");
            Assert.Contains("registered", await raw.ReadTextAsync(), StringComparison.Ordinal);
            var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            var hanging = server.Get<Database>().RunAsync(_ =>
            {
                blocked.SetResult();
                return released.Wait(TimeSpan.FromSeconds(30));
            });
            await blocked.Task.WaitAsync(TestClient.Timeout, TestContext.Current.CancellationToken);
            await raw.WriteTextFrameAsync("""{"type":"register_rendezvous","dailyPoints":["p"]}""");
            await Eventually.TrueAsync(() => server.Get<Database>().Waiting == 1, "the message waits");
            if (isReset)
            {
                raw.Reset();
                await server.LiveIsAsync(isEngine ? 0 : 1);
            }
            else
            {
                raw.EndSending();
            }

            released.Set();
            Assert.True(await hanging, "released in time");
            if (!isReset && isEngine)
            {
                Assert.Contains("rendezvous_result", await raw.ReadTextAsync(), StringComparison.Ordinal);
                await raw.ReadToEndAsync();
            }

            await IsEmptyAsync(server);
        }
    }

    /// <summary>Its pongs wait because it does not read, and the server has stopped reading it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task End_WhileTheQueueWaits_LeavesNothing(bool isReset)
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            var session = Assert.Single(server.Get<SessionTable>().All);
            var writing = raw.WriteUntilCutAsync(
                [.. Enumerable.Repeat(RawWebSocket.Frame(0x89, new byte[125]), 500).SelectMany(frame => frame)], TimeSpan.FromSeconds(60));
            await Eventually.TrueAsync(() => session.WriteStarted != 0 && session.Queued.Messages > 0, "the queue waits", TimeSpan.FromSeconds(30));
            if (isReset)
            {
                raw.Reset();
            }
            else
            {
                raw.EndSending();
            }

            await Eventually.TrueAsync(() => writing.IsCompleted, "it is cut", TimeSpan.FromSeconds(60));
            await IsEmptyAsync(server);
            Assert.Equal(0, server.Get<RelayMetrics>().Queued);
        }
    }

    [Fact]
    public async Task Reset_WhileTheServerSends_LeavesNothing()
    {
        await using var server = await StartAsync();
        var many = Enumerable.Repeat(RawWebSocket.Frame(0x89, new byte[125]), 500).SelectMany(frame => frame).ToArray();
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async _ =>
        {
            await using var raw = await RawWebSocket.OpenAsync(server);
            await raw.WriteAsync(many);
            Assert.Equal(10, (await raw.ReadFrameAsync()).Opcode);
            raw.Reset();
        }));
        await IsEmptyAsync(server);
    }

    // Its pongs fill the way to it; then the server stops reading, so that nothing grows, and gives it up after the send timeout.
    [Fact]
    public async Task Client_ThatPingsAndNeverReads_CostsABoundedQueueAndIsCut()
    {
        await using var server = await StartAsync();
        await using (var raw = await RawWebSocket.OpenAsync(server))
        {
            var session = Assert.Single(server.Get<SessionTable>().All);
            var writing = raw.WriteUntilCutAsync(
                [.. Enumerable.Repeat(RawWebSocket.Frame(0x89, new byte[125]), 500).SelectMany(frame => frame)], TimeSpan.FromSeconds(60));
            await Eventually.TrueAsync(
                () =>
                {
                    var (messages, bytes, _) = session.Queued;
                    Assert.InRange(messages, 0, server.Settings.Sessions.QueueMessages);
                    Assert.InRange(bytes, 0, server.Settings.Sessions.QueueBytes);
                    return writing.IsCompleted;
                },
                "the client that never reads is cut",
                TimeSpan.FromSeconds(60));
            await writing;
            Assert.Contains(server.Get<RelayMetrics>().ClosedByReason(), closed => closed is { Key: "write_timeout" or "slow_consumer", Value: 1 });
        }

        await IsEmptyAsync(server);
        Assert.Equal(0, server.Get<RelayMetrics>().Queued);
    }

    private static Task<RelayServer> StartAsync() => RelayServer.StartAsync(settings =>
    {
        settings.Sessions.MessagesPerMinute = 1_000_000;
        settings.Sessions.BytesBurst = 1 << 30;
        settings.Sessions.SendTimeout = TimeSpan.FromSeconds(1);
    });

    private static async Task ResetAsync(RelayServer server, string stage)
    {
        var request = stage switch
        {
            "connected" => "",
            "mid-head" => Request[..30],
            "refused" => Request.Replace("Version: 13", "Version: 12", StringComparison.Ordinal),
            _ => Request,
        };
        var frames = stage switch
        {
            "mid-frame-head" => Ping[..3],
            "mid-frame" => Ping[..10],
            "mid-message" => RawWebSocket.Frame(0x01, "{"u8.ToArray()),
            "closing" => RawWebSocket.Frame(0x88, [0x03, 0xE8]),
            _ => [],
        };
        await using var raw = await RawWebSocket.DialAsync(server);
        await raw.WriteAsync(request);
        if (stage is not ("connected" or "mid-head" or "requested"))
        {
            Assert.StartsWith(stage == "refused" ? "HTTP/1.1 400 " : "HTTP/1.1 101 ", await raw.ReadHeadAsync(), StringComparison.Ordinal);
            await raw.WriteAsync(frames);
        }

        raw.Reset();
    }

    private static async Task IsEmptyAsync(RelayServer server)
    {
        await server.EmptyAsync();
        var result = await server.Get<LedgerReconciler>().RunAsync(TestContext.Current.CancellationToken);
        Assert.True(result is { Ok: true, Drift: 0, Ledger: 0, Live: 0 }, $"{result}");
    }
}
