using System.Diagnostics;
using System.Net;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1Alpha;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using ServingStatus = Grpc.Health.V1.HealthCheckResponse.Types.ServingStatus;

namespace Relay.EndToEnd.Hosting;

[Trait("Programs", "Started")]
public sealed class ShutdownTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Stop_ClientsConnected_EachGets1001AndPlacesComeBack()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.ConnectAsync(server);
        var stopping = server.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal((1001, "Server shutting down"), await a.ExpectCloseAsync());
        Assert.Equal((1001, "Server shutting down"), await b.ExpectCloseAsync());
        await stopping;
        await server.EmptyAsync();
        Assert.Equal(Relay.Admission.RelayPhase.Stopping, server.Get<Relay.Admission.RelayState>().Phase);
        Assert.False(File.Exists(server.AdminSocketPath), "the socket file is gone");
    }

    [Fact]
    public async Task Ready_Draining_Answers503()
    {
        await using var server = await RelayServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TestClient.Timeout };
        Assert.Equal("""{"status":"ready"}""", await http.GetStringAsync("/ready", TestContext.Current.CancellationToken));

        server.Get<Relay.Admission.RelayState>().TryDrain();
        using var response = await http.GetAsync("/ready", TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, response.StatusCode);
        Assert.Equal("""{"status":"draining"}""", await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task WatchStats_Stop_EndsUnavailable()
    {
        await using var server = await RelayServer.StartAsync();
        using var watch = server.Admin.WatchStats(new WatchStatsRequest(), Call);
        Assert.True(await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        var stopping = server.App.StopAsync(TestContext.Current.CancellationToken);

        var error = await Assert.ThrowsAsync<RpcException>(async () =>
        {
            while (await watch.ResponseStream.MoveNext(TestContext.Current.CancellationToken))
            {
            }
        });
        Assert.Equal((StatusCode.Unavailable, "the relay is stopping"), (error.StatusCode, error.Status.Detail));
        await stopping;
    }

    [Fact]
    public async Task HealthWatch_Stop_SaysNotServing()
    {
        await using var server = await RelayServer.StartAsync();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        using var watch = new Health.HealthClient(server.Channel).Watch(new HealthCheckRequest(), Call.WithCancellationToken(cancel.Token));
        Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
        var stopping = server.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        await cancel.CancelAsync();
        await stopping;
    }

    [Fact]
    public async Task HealthWatch_DrainAndCancel_SaysNotServingAndServing()
    {
        await using var server = await RelayServer.StartAsync();
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        var health = new Health.HealthClient(server.Channel);
        using var watch = health.Watch(new HealthCheckRequest(), Call.WithCancellationToken(cancel.Token));
        Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
        var connections = new AdminApi.ConnectionService.ConnectionServiceClient(server.Channel);
        using var drain = connections.Drain(new AdminApi.DrainRequest { Reason = "a test" }, Call);
        Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
        Assert.Equal(ServingStatus.NotServing, watch.ResponseStream.Current.Status);
        Assert.Equal(ServingStatus.NotServing, (await health.CheckAsync(new HealthCheckRequest(), Call)).Status);

        await connections.CancelDrainAsync(new AdminApi.CancelDrainRequest(), Call);
        Assert.True(await watch.ResponseStream.MoveNext(cancel.Token));
        Assert.Equal(ServingStatus.Serving, watch.ResponseStream.Current.Status);
        await cancel.CancelAsync();
    }

    [Fact]
    public async Task Sigterm_TwoHundredSockets_AllGet1001AndExitIs0()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1000");
        var clients = await Task.WhenAll(Enumerable.Range(0, 200).Select(_ => RawClient.UpgradeAsync(relay.Port)));
        await relay.SignalAsync("TERM");

        // Every tenth never reads nor answers.
        await Task.WhenAll(clients.Where((_, i) => i % 10 != 0).Select(async client =>
        {
            (int Opcode, byte[] Payload) frame;
            do
            {
                frame = await client.ReadFrameAsync();
            }
            while (frame.Opcode == 1);
            Assert.Equal((8, 1001), (frame.Opcode, (frame.Payload[0] << 8) | frame.Payload[1]));
            Assert.Equal("Server shutting down", System.Text.Encoding.UTF8.GetString(frame.Payload.AsSpan(2)));
            await client.SendAsync(RawClient.CloseFrame);
            await client.ReadToEndAsync();
        }));
        Assert.Equal(0, await relay.ExitAsync());
        Assert.Contains("Stopping: all connections are closed, by relayd (SIGTERM)", relay.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(relay.SocketPath), "the socket file is gone");
        Array.ForEach(clients, client => client.Dispose());
    }

    [Fact]
    public async Task Sigterm_StopDrain_IsNotTakenBackButMayBeHurried()
    {
        await using var relay = await RelayProcess.StartAsync("--Admission:PerIp=1000", "--Sessions:StopDrain=1h", "--Sessions:EvictionsPerSecond=1");
        var clients = await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => RawClient.UpgradeAsync(relay.Port)));
        await relay.SignalAsync("TERM");
        await Eventually.TrueAsync(() => relay.Output.Contains(", by relayd (SIGTERM) [drain_started]", StringComparison.Ordinal), "emptying");
        using var channel = relay.OpenChannel();
        var connections = new ConnectionService.ConnectionServiceClient(channel);

        var error = await Assert.ThrowsAsync<RpcException>(async () => await connections.CancelDrainAsync(new CancelDrainRequest(), Call));
        Assert.Equal("the relay drains because it is stopping, which cannot be cancelled", error.Status.Detail);
        using var drain = connections.Drain(new DrainRequest { Rate = 1000 }, Call);
        await drain.ResponseStream.MoveNext(TestContext.Current.CancellationToken);
        Array.ForEach(clients, client => client.Dispose());

        Assert.Equal(0, await relay.ExitAsync());
    }

    [Fact]
    public async Task Sigint_NoClients_ExitIs0()
    {
        await using var relay = await RelayProcess.StartAsync();
        await relay.SignalAsync("INT");

        Assert.Equal(0, await relay.ExitAsync());
    }

    [Fact]
    public async Task SecondSignal_WhileDraining_ExitsAtOnce()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var channel = relay.OpenChannel();

        // A call that its caller leaves open keeps the relay draining until its time is over.
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(Call);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        await relay.SignalAsync("TERM");
        await Eventually.TrueAsync(() => relay.Output.Contains("Stopping: all connections are closed", StringComparison.Ordinal), "draining");
        Assert.False(relay.HasExited);

        // At once it may be the same stop told twice, to the process and to its group; a second later it is meant.
        await relay.SignalAsync("TERM");
        var told = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(() => Stopwatch.GetElapsedTime(told) > TimeSpan.FromSeconds(1.5), "a second later");
        Assert.False(relay.HasExited);
        await relay.SignalAsync("TERM");

        Assert.Equal(1, await relay.ExitAsync());
    }

    [Fact]
    public async Task Signal_AdminStreamStaysOpen_StillExitsZero()
    {
        await using var relay = await RelayProcess.StartAsync();
        using var channel = relay.OpenChannel();
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo(Call);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        await relay.SignalAsync("TERM");
        Assert.Equal(0, await relay.ExitAsync());
    }
}
