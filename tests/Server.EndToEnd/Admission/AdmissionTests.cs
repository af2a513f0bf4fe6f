using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Relay.Admission;
using Relay.EndToEnd.Support;
using Relay.Policy;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Transport;

namespace Relay.EndToEnd.Admission;

public sealed class AdmissionTests
{
    private static readonly (int, string) AtCapacity = (1013, "Server at capacity");
    private static readonly (int, string) TooMany = (1013, "Too many connections from this IP");

    [Fact]
    public async Task Connect_TotalReached_NextGetsUpgradeAndClose1013()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (2, 50));
        await using var a = await TestClient.ConnectAsync(server);
        await using var b = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await using var refused = await TestClient.ConnectAsync(server, from: "127.0.0.3", greeted: false);

        Assert.Equal(AtCapacity, await refused.ExpectCloseAsync());
        await a.ExpectNothingAsync();
        await b.ExpectNothingAsync();
        Assert.Equal((2, 1L, 0L), (server.Live(), server.Totals().RefusedBy(Refusal.TotalLimit), server.Totals().RefusedBy(Refusal.PerIpLimit)));
    }

    [Fact]
    public async Task Connect_PerIpReached_NextGetsClose1013AndOtherAddressIsFine()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 2);
        await using var a = await TestClient.ConnectAsync(server);
        await using var b = await TestClient.ConnectAsync(server);
        await using var refused = await TestClient.ConnectAsync(server, greeted: false);
        Assert.Equal(TooMany, await refused.ExpectCloseAsync());

        await using var other = await TestClient.ConnectAsync(server, from: "127.0.0.2");
        await other.ExpectNothingAsync();
        Assert.Equal(["127.0.0.1", "127.0.0.2"], server.HeldKeys());
        Assert.Equal((0L, 1L), (server.Totals().RefusedBy(Refusal.TotalLimit), server.Totals().RefusedBy(Refusal.PerIpLimit)));
    }

    [Fact]
    public async Task Connect_BothLimitsReached_TotalIsNamed()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (1, 1));
        await using var a = await TestClient.ConnectAsync(server);
        await using var refused = await TestClient.ConnectAsync(server, greeted: false);

        Assert.Equal(AtCapacity, await refused.ExpectCloseAsync());
    }

    [Fact]
    public async Task Refused_WithAHint_IsToldWhenToComeBackBeforeItsClose()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.PerIp, settings.Admission.RetryHint) = (1, true));
        await using var a = await TestClient.ConnectAsync(server);
        using var refused = await RawClient.UpgradeAsync(server);

        Assert.Equal("""{"type":"retry_after","seconds":5}""", System.Text.Encoding.ASCII.GetString((await refused.ReadFrameAsync()).Payload));
        Assert.Equal(TooMany, await refused.ReadCloseAsync());
    }

    [Fact]
    public async Task Refused_AnswersClose_GetsTheCloseFrameOnly()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        await using var a = await TestClient.ConnectAsync(server);
        using var refused = await RawClient.UpgradeAsync(server);

        Assert.Equal(TooMany, await refused.ReadCloseAsync());
        await refused.SendAsync(RawClient.CloseFrame);
        Assert.Equal("", await refused.ReadToEndAsync());
    }

    // In the reference network a refused socket stayed for half a minute.
    [Fact]
    public async Task Refused_NeverAnswersClose_IsCutAfterItsSecond()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1, time);
        await using var a = await TestClient.ConnectAsync(server);
        using var refused = await RawClient.UpgradeAsync(server);
        Assert.Equal(TooMany, await refused.ReadCloseAsync());

        time.Advance(ClosingConnections.Grace - TimeSpan.FromMilliseconds(100));
        Assert.Equal(2, server.Get<ConnectionTable>().Count);
        time.Advance(TimeSpan.FromMilliseconds(200));
        Assert.Equal("", await refused.ReadToEndAsync());
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "the refused connection is gone");
        await a.ExpectNothingAsync();
    }

    [Theory]
    [InlineData(new byte[] { 0x81, 0x80, 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x81, 0x05 })]
    public async Task Refused_KeepsSending_IsCutAndServerStaysWell(byte[] frame)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.PerIp = 1);
        await using var a = await TestClient.ConnectAsync(server);
        using var refused = await RawClient.UpgradeAsync(server);
        Assert.Equal(TooMany, await refused.ReadCloseAsync());

        await refused.SendUntilCutAsync([.. Enumerable.Repeat(frame, 50).SelectMany(bytes => bytes)]);
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "the refused connection is gone");
        await a.ExpectNothingAsync();
        Assert.Equal(1, server.Live());
    }

    // In the reference network refused sockets in their close handshake were not counted.
    [Fact]
    public async Task Refused_TooManyAreClosing_FallsBackToStatusUntilTheyAreGone()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings => settings.Admission.PerIp = 1, time, services => services.AddSingleton(provider =>
                new Refuser(provider.GetRequiredService<AdmissionOptions>(), provider.GetRequiredService<OverloadMonitor>(), maxClosing: 1)));
        await using var a = await TestClient.ConnectAsync(server);
        using var closing = await RawClient.UpgradeAsync(server);
        await closing.ReadCloseAsync();

        using var overflow = await RawClient.ConnectAsync(server);
        await overflow.SendAsync(RawClient.Request());
        Assert.StartsWith("HTTP/1.1 429 ", await overflow.ReadHeadAsync(), StringComparison.Ordinal);

        await closing.SendAsync(RawClient.CloseFrame);
        await Eventually.TrueAsync(() => server.Get<ConnectionTable>().Count == 1, "both are gone");
        using var again = await RawClient.UpgradeAsync(server);
        Assert.Equal(TooMany, await again.ReadCloseAsync());
    }

    [Theory]
    [InlineData(1, 5, 503, "Server at capacity")]
    [InlineData(5, 1, 429, "Too many connections from this IP")]
    public async Task RejectionModeHttpStatus_LimitReached_AnswersBeforeTheUpgrade(int total, int perIp, int status, string text)
    {
        await using var server = await RelayServer.StartAsync(settings =>
            (settings.Admission.Total, settings.Admission.PerIp, settings.Admission.RejectionMode) = (total, perIp, RejectionMode.HttpStatus));
        await using var a = await TestClient.ConnectAsync(server);
        using var refused = await RawClient.ConnectAsync(server);
        await refused.SendAsync(RawClient.Request());

        var head = await refused.ReadHeadAsync();
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        var retry = head.Split("\r\n").Single(line => line.StartsWith("Retry-After: ", StringComparison.Ordinal));
        Assert.InRange(int.Parse(retry["Retry-After: ".Length..], System.Globalization.CultureInfo.InvariantCulture), 5, 10);
        Assert.Contains($"{text}\n", await refused.ReadToEndAsync(), StringComparison.Ordinal);
        await a.ExpectNothingAsync();
    }

    [Fact]
    public async Task Connect_GateStopped_AnswersStatusAndTakesNoPlace()
    {
        await using var server = await RelayServer.StartAsync();
        server.Get<AdmissionGate>().State.TryStop();
        using var refused = await RawClient.ConnectAsync(server);
        await refused.SendAsync(RawClient.Request());

        Assert.StartsWith("HTTP/1.1 503 ", await refused.ReadHeadAsync(), StringComparison.Ordinal);
        Assert.Contains("Server shutting down\n", await refused.ReadToEndAsync(), StringComparison.Ordinal);
        Assert.Equal((0, 1L), (server.Live(), server.Totals().RefusedBy(Refusal.Stopping)));
    }

    [Fact]
    public async Task Burst_ThreeHundredAtOnce_ExactlyTheLimitIsAdmitted()
    {
        await using var server = await RelayServer.StartAsync(settings => (settings.Admission.Total, settings.Admission.PerIp) = (100, 1000));
        for (var round = 1; round <= 2; round++)
        {
            var clients = await Task.WhenAll(Enumerable.Range(0, 300).Select(_ => RawClient.UpgradeAsync(server)));
            var opcodes = await Task.WhenAll(clients.Select(async client => (await client.ReadFrameAsync()).Opcode));

            Assert.Equal((100, 200), (opcodes.Count(opcode => opcode == 1), opcodes.Count(opcode => opcode == 8)));
            Assert.Equal((100, 100, 200L * round), (server.Live(), server.Totals().Peak, server.Totals().RefusedBy(Refusal.TotalLimit)));
            Array.ForEach(clients, client => client.Dispose());
            await server.EmptyAsync();
        }
    }

    [Fact]
    public async Task Close_ByTheServer_GivesThePlaceBack()
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Total = 1);
        await using var closed = await TestClient.ConnectAsync(server);
        server.Get<SessionTable>().CloseAll(CloseReason.RateLimited);
        Assert.Equal((1008, "Rate limit exceeded"), await closed.ExpectCloseAsync());
        await closed.CloseAsync();
        await server.EmptyAsync();

        await using var next = await TestClient.ConnectAsync(server);
        Assert.Equal(1, server.Live());
    }

    [Theory]
    [InlineData("Session..ctor(")]
    [InlineData("OnBytesAsync(")]
    public async Task Exception_InASession_GivesThePlaceBack(string method)
    {
        var time = new FaultyTime();
        await using var server = await RelayServer.StartAsync(settings => settings.Admission.Total = 1, time);
        server.ExpectedError = error => error.Contains(FaultyTime.Text, StringComparison.Ordinal);
        time.BreakIn(method);
        using (var broken = await RawClient.ConnectAsync(server))
        {
            await broken.SendAsync(RawClient.Request());

            // An empty message, again and again.
            await broken.SendUntilCutAsync([0x81, 0x80, 0, 0, 0, 0]);
        }

        await server.EmptyAsync();
        time.BreakIn("no such method");
        await using var next = await TestClient.ConnectAsync(server);
        Assert.Equal(1, server.Live());
    }
}
