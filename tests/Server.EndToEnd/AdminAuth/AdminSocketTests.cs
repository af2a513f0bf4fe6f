using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.AdminAuth;

public sealed class AdminSocketTests
{
    private const string Path = "/grpc.health.v1.Health/Check";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task File_IsRemoved_IsMadeAnewAndOldConnectionsGoOn()
    {
        var time = new FakeTimeProvider(TimeProvider.System.GetUtcNow());
        await using var server = await RelayServer.StartAsync(time: time);
        await server.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token);
        for (var i = 0; i < 2; i++)
        {
            File.Delete(server.AdminSocketPath);
            time.Advance(AdminSocketListener.Interval);
            await Eventually.TrueAsync(() => Listens(server.AdminSocketPath), "there is a socket again");

            using var channel = AdminChannel.Open(server.AdminSocketPath);
            await new AdminService.AdminServiceClient(channel).GetStatsAsync(new GetStatsRequest(), deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: Token);
            await server.Admin.GetStatsAsync(new GetStatsRequest(), cancellationToken: Token);
        }
    }

    /// <summary>As grpc-core sends it: with its name, to be remembered, and in the next request by reference. Without TLS on TCP it is refused as ever.</summary>
    [Fact]
    public async Task Authority_IsTheSocketsPath_IsServed()
    {
        await using var server = await NetworkAdmin.StartAsync(authority: null);
        using var local = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await local.ConnectAsync(new UnixDomainSocketEndPoint(server.AdminSocketPath), Token);
        Assert.Equal(("answered", "answered"), await CallTwiceAsync(local, server.AdminSocketPath));

        using var network = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await network.ConnectAsync(new IPEndPoint(IPAddress.Loopback, NetworkAdmin.AddressOf(server).Port), Token);
        Assert.Equal("reset", (await CallTwiceAsync(network, server.AdminSocketPath)).First);
    }

    private static bool Listens(string path)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private static async Task<(string First, string Second)> CallTwiceAsync(Socket socket, string path)
    {
        const byte Settings = 4;
        var authority = path.Replace("/", "%2F", StringComparison.Ordinal);
        byte[] common = [0x83, 0x86, 0x04, (byte)Path.Length, .. Encoding.ASCII.GetBytes(Path)];
        byte[] contentType = [0x0F, 0x10, 16, .. "application/grpc"u8, 0x00, 2, .. "te"u8, 8, .. "trailers"u8];
        byte[] first = [.. common, 0x40, 10, .. ":authority"u8, (byte)authority.Length, .. Encoding.ASCII.GetBytes(authority), .. contentType];
        await using var stream = new NetworkStream(socket, ownsSocket: false);
        await stream.WriteAsync(
            (byte[])[
                .. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Frame(Settings, 0, 0, []),
                .. Frame(1, 4, 1, first), .. Frame(0, 1, 1, new byte[5]),
                .. Frame(1, 4, 3, [.. common, 0xBE, .. contentType]), .. Frame(0, 1, 3, new byte[5]),
            ],
            Token);
        var results = new Dictionary<int, string>();
        var head = new byte[9];
        while (results.Count < 2)
        {
            await stream.ReadExactlyAsync(head, Token).AsTask().WaitAsync(TimeSpan.FromSeconds(20), Token);
            await stream.ReadExactlyAsync(new byte[(head[1] << 8) | head[2]], Token);
            if (head[3] is 1 or 3 or 7)
            {
                results.TryAdd(head[8], head[3] == 1 ? "answered" : "reset");
            }

            if (head[3] == 7)
            {
                break;
            }
        }

        return (results.GetValueOrDefault(1, "reset"), results.GetValueOrDefault(3, "reset"));
    }

    private static byte[] Frame(byte type, byte flags, byte stream, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, type, flags, 0, 0, 0, stream, .. payload];
}
