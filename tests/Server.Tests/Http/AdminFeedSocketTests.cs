using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using Relay.Addresses;
using Relay.AdminAuth;
using Relay.Http;

namespace Server.Tests.Http;

/// <summary>A page that does not read, on a real connection with small buffers.</summary>
public sealed class AdminFeedSocketTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task Tick_PageReadsNothing_IsCutAndKeepsNobodyWaiting()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var page = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        await page.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using var accepted = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        accepted.SendBufferSize = 4096;
        using var webSocket = WebSocket.CreateFromStream(new NetworkStream(accepted), new WebSocketCreationOptions { IsServer = true });

        // It says nothing, so nobody is asked for answers.
        var socket = new AdminFeedSocket(new AdminFeedToken(null!, null), IpKey.From(IPAddress.Loopback), null!, TimeProvider.System);
        var running = socket.RunAsync(webSocket, [], accepted.Dispose);
        for (var i = 0; i < 1_000 && !running.IsCompleted; i++)
        {
            socket.Tick([new byte[256 * 1024]]);
        }

        await running.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task Close_PageDoesNotAnswer_IsCutAfterAFewTicks()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var page = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await page.ConnectAsync(listener.LocalEndpoint, TestContext.Current.CancellationToken);
        using var accepted = await listener.AcceptSocketAsync(TestContext.Current.CancellationToken);
        using var webSocket = WebSocket.CreateFromStream(new NetworkStream(accepted), new WebSocketCreationOptions { IsServer = true });
        var socket = new AdminFeedSocket(new AdminFeedToken(null!, null), IpKey.From(IPAddress.Loopback), null!, TimeProvider.System);
        var running = socket.RunAsync(webSocket, [], accepted.Dispose);

        socket.Close(4401, "Invalid or expired token");
        var frame = new byte[64];
        Assert.Equal(0x88, (await page.ReceiveAsync(frame, TestContext.Current.CancellationToken)) > 0 ? frame[0] : 0);
        Assert.False(running.IsCompleted);
        for (var i = 0; i < 3; i++)
        {
            socket.Tick([]);
        }

        await running.WaitAsync(Patience, TestContext.Current.CancellationToken);
    }
}
