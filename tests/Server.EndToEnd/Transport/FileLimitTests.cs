using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport;

/// <summary>relayd with few files, flooded with sockets.</summary>
[Trait("Programs", "Started")]
public sealed class FileLimitTests
{
    private const int Files = 400;
    private const int Flood = 500;

    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(30), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task Flood_AllFilesTaken_OperatorsGetInAndTheRelayRecovers()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: the limit of open files is Linux'.");
        await using var relay = await RelayProcess.StartWithFilesAsync(
            Files, "--Listen:ReservedFiles=60", "--Listen:HandshakeTimeout=1m", "--Listen:MaxHandshakesPerIp=1000", "--Admission:PerIp=1000",
            "--Admission:ConnectRatePerIp=off", "--Admission:OverloadLevel=normal", "--Admin:MaxConnections=8");
        var flood = await FloodAsync(relay.Port);
        await Eventually.TrueAsync(() => relay.Output.Contains("new connections are closed at once", StringComparison.Ordinal), "all files are taken");

        // A fresh connection, with nothing of the admin service loaded before.
        using (var channel = relay.OpenChannel())
        {
            var admin = new AdminService.AdminServiceClient(channel);
            var process = (await admin.GetStatsAsync(new GetStatsRequest(), Call)).Process;
            Assert.Equal(Files, process.OpenFilesLimit);

            // Whoever was turned away made the oldest half-open one go as well.
            Assert.InRange(process.OpenFiles, Files - 80, Files - 10);
            await new PolicyAdmin(channel).SetPerIpAsync(5, new ChangeOptions { Reason = "flood" });
            Assert.Equal("flood", Assert.Single((await admin.ListAuditAsync(new ListAuditRequest(), Call)).Entries).Why);
            await admin.CreateTokenAsync(new CreateTokenRequest { Name = "night", Role = Role.Read }, Call);
        }

        flood.ForEach(socket => socket.Dispose());
        await Eventually.TrueAsync(() => IsServedAsync(relay.Port), "clients are served again");
        Assert.DoesNotContain("fail: ", relay.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("crit: ", relay.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_NoFilesForClients_SaysSoAndExitIs1()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: the limit of open files is Linux'.");
        var (code, output) = await RelayProcess.RunWithFilesAsync(Files, "--Listen:Port=0", "--Admin:Socket=admin.sock", "--Listen:ReservedFiles=1000");

        Assert.Equal(1, code);
        Assert.Contains("relayd: cannot start: the limit of open files is 400", output, StringComparison.Ordinal);
    }

    private static async Task<List<Socket>> FloodAsync(int port)
    {
        var sockets = new List<Socket>();
        for (var i = 0; i < Flood; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            sockets.Add(socket);
            await EndsAsync(async cancel =>
            {
                await socket.ConnectAsync("127.0.0.1", port, cancel);

                // First clients, up to their ceiling; then those that begin to say what they want, and never end. Who says nothing at all would be offered later.
                await socket.SendAsync(Encoding.ASCII.GetBytes(i < Flood / 2 ? RawClient.Request() : "G"), cancel);
            });
        }

        return sockets;
    }

    // A reset in the middle of it is an end as well.
    private static async Task EndsAsync(Func<CancellationToken, Task> action)
    {
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        cancel.CancelAfter(TimeSpan.FromSeconds(30));
        try
        {
            await action(cancel.Token);
        }
        catch (SocketException)
        {
            // The relay has closed it already.
        }
    }

    private static async Task<bool> IsServedAsync(int port)
    {
        try
        {
            using var http = new HttpClient();
            return (await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/ready"), TestContext.Current.CancellationToken)).Contains("ready", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }
}
