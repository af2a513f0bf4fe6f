using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Net.Client;
using Grpc.Reflection.V1Alpha;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admin;

[Trait("Programs", "Started")]
public sealed class VerifyTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Verify_ClientsConnected_IsOk()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.ConnectAsync(server);
        await using var b = await TestClient.ConnectAsync(server, from: "127.0.0.2");

        var reply = await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((true, 2, 2, 0), (reply.Ok, reply.LedgerConnections, reply.LiveConnections, reply.Drift));
        var audit = (await server.Admin.GetStatsAsync(new GetStatsRequest(), Call)).Ledger;
        Assert.Equal((1, 0, reply.Time), (audit.RunsTotal, audit.DriftsTotal, audit.Time));
    }

    [Fact]
    public async Task Verify_LeaseWasLeaked_ReportsAndLogsTheDrift()
    {
        await using var server = await RelayServer.StartAsync();
        server.ExpectedError = error => error.Contains("The ledger drifts from the open sockets by 1: ", StringComparison.Ordinal);
        var log = LogCollector.Attach(server);
        await using var client = await TestClient.ConnectAsync(server);
        server.Get<ConnectionLedger>().TryAcquire(IpKey.From(IPAddress.Parse("203.0.113.7")), TimeProvider.System.GetTimestamp(), out var leaked);

        var reply = await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((false, 2, 1, 1), (reply.Ok, reply.LedgerConnections, reply.LiveConnections, reply.Drift));
        var row = Assert.Single(reply.Addresses);
        Assert.Equal(("203.0.113.7", 1, 0), (row.Key, row.LedgerConnections, row.LiveConnections));
        await log.ContainsAsync("The ledger drifts from the open sockets by 1: ");

        leaked.Dispose();
        leaked.Dispose();
        reply = await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((true, 1, 0), (reply.Ok, reply.LedgerConnections, reply.Drift));
        var audit = (await server.Admin.GetStatsAsync(new GetStatsRequest(), Call)).Ledger;
        Assert.Equal((2, 1, 0), (audit.RunsTotal, audit.DriftsTotal, audit.Drift));
    }

    [Fact]
    public async Task Verify_LiveClientLostItsPlace_ReportsTheDrift()
    {
        await using var server = await RelayServer.StartAsync();
        server.ExpectedError = error => error.Contains("The ledger drifts from the open sockets by -1: ", StringComparison.Ordinal);
        await using var client = await TestClient.ConnectAsync(server);
        server.Get<ConnectionLedger>().Release(server.Get<ConnectionLedger>().Snapshot().HeldLeases().Keys.Single());

        var reply = await server.Admin.VerifyAsync(new VerifyRequest(), Call);
        Assert.Equal((false, 0, 1, -1), (reply.Ok, reply.LedgerConnections, reply.LiveConnections, reply.Drift));
        await client.CloseAsync();
        await server.EmptyAsync();
    }

    [Fact]
    public async Task Health_AfterStart_IsServing()
    {
        await using var server = await RelayServer.StartAsync();
        var health = new Health.HealthClient(server.Channel);
        foreach (var service in new[] { "", "relay.admin.v1.AdminService" })
        {
            Assert.Equal(
                HealthCheckResponse.Types.ServingStatus.Serving,
                (await health.CheckAsync(new HealthCheckRequest { Service = service }, Call)).Status);
        }
    }

    [Fact]
    public async Task Reflection_Asked_ListsTheService()
    {
        await using var server = await RelayServer.StartAsync();
        using var call = new ServerReflection.ServerReflectionClient(server.Channel).ServerReflectionInfo(Call);
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" }, TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));

        var services = call.ResponseStream.Current.ListServicesResponse.Service.Select(service => service.Name).ToArray();
        Assert.Contains("relay.admin.v1.AdminService", services);
        Assert.Contains("grpc.health.v1.Health", services);
        await call.RequestStream.CompleteAsync();
    }

    [Fact]
    public async Task Call_OverThePublicPort_IsRefused()
    {
        await using var server = await RelayServer.StartAsync();
        using var http = new HttpClient { BaseAddress = server.Http, Timeout = TestClient.Timeout };
        const string Path = "/relay.admin.v1.AdminService/GetStats";
        using var content = new ByteArrayContent([0, 0, 0, 0, 0]);
        content.Headers.TryAddWithoutValidation("Content-Type", "application/grpc");
        using var post = await http.PostAsync(Path, content, TestContext.Current.CancellationToken);
        using var get = await http.GetAsync(Path, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.MethodNotAllowed, "text/plain"), (post.StatusCode, post.Content.Headers.ContentType?.MediaType));
        Assert.Equal(HttpStatusCode.UpgradeRequired, get.StatusCode);

        using var channel = GrpcChannel.ForAddress(server.Http);
        await Assert.ThrowsAsync<RpcException>(() =>
            new AdminService.AdminServiceClient(channel).GetStatsAsync(new GetStatsRequest(), Call).ResponseAsync);
        await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
    }

    [Fact]
    public async Task Socket_AfterStart_HasMode0660()
    {
        await using var server = await RelayServer.StartAsync();

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite,
            File.GetUnixFileMode(server.AdminSocketPath));
    }

    [Fact]
    public async Task Start_StaleSocketFile_IsReplaced()
    {
        await using var server = await RelayServer.StartAsync(settings =>
        {
            // The socket takes its file along when it is closed, unless the file has another name by then.
            using (var dead = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            {
                dead.Bind(new UnixDomainSocketEndPoint(settings.Admin.Socket));
                File.Move(settings.Admin.Socket, settings.Admin.Socket + ".old");
            }

            File.Move(settings.Admin.Socket + ".old", settings.Admin.Socket);
            Assert.True(File.Exists(settings.Admin.Socket));
        });

        await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);
    }

    [Fact]
    public async Task Start_PathIsNoSocket_ExitsWithOneSentenceAndLeavesIt()
    {
        var folder = Directory.CreateTempSubdirectory("relay-test-");
        var path = Path.Combine(folder.FullName, "notes.txt");
        await File.WriteAllTextAsync(path, "precious", TestContext.Current.CancellationToken);

        var (code, output) = await RelayProcess.RunAsync(["--Listen:Address=127.0.0.1", "--Listen:Port=0", $"--Admin:Socket={path}"]);
        Assert.Equal((1, $"relayd: cannot start: {path} exists and is not a socket; move it away, or name another path in Admin:Socket"), (code, output.Split('\n')[^1]));
        Assert.Equal("precious", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Stop_SomethingElseHasTheSocketsName_IsLeftAlone()
    {
        await using var server = await RelayServer.StartAsync();
        File.Move(server.AdminSocketPath, server.AdminSocketPath + ".old");
        await File.WriteAllTextAsync(server.AdminSocketPath, "precious", TestContext.Current.CancellationToken);
        await server.App.StopAsync(TestContext.Current.CancellationToken);

        Assert.Equal("precious", await File.ReadAllTextAsync(server.AdminSocketPath, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Start_SocketOrPortIsTaken_ExitsWithOneSentence()
    {
        await using var server = await RelayServer.StartAsync();
        var folder = Path.GetDirectoryName(server.AdminSocketPath)!;
        string[] common = ["--Listen:Address=127.0.0.1", $"--Identity:KeyFile={Path.Combine(folder, "other.key")}"];

        var (code, output) = await RelayProcess.RunAsync([.. common, "--Listen:Port=0", $"--Admin:Socket={server.AdminSocketPath}"]);
        Assert.Equal((1, $"relayd: cannot start: another relayd answers at {server.AdminSocketPath}; stop it, or give this one its own Admin:Socket"), (code, Last(output)));
        (code, output) = await RelayProcess.RunAsync([.. common, $"--Listen:Port={server.Port}", $"--Admin:Socket={Path.Combine(folder, "other.sock")}"]);
        Assert.Equal(1, code);
        Assert.Equal($"relayd: cannot start: cannot listen on 127.0.0.1:{server.Port}: address already in use, perhaps by another relayd; stop that one, or choose another port", Last(output));
        Assert.DoesNotContain("   at ", output, StringComparison.Ordinal);
        (code, output) = await RelayProcess.RunAsync([.. common[1..], "--Listen:Address=192.0.2.1", $"--Admin:Socket={Path.Combine(folder, "other.sock")}"]);
        Assert.Equal((1, "relayd: cannot start: cannot listen on 192.0.2.1:9000: this machine has no such address"), (code, Last(output)));

        // None has taken the first one's socket along.
        await server.Admin.GetStatsAsync(new GetStatsRequest(), Call);

        static string Last(string text) => text.Split('\n')[^1];
    }
}
