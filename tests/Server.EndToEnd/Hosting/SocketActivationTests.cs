using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Relay.EndToEnd.Support;
using Relay.TestKit;
using Relay.Transport;

namespace Relay.EndToEnd.Hosting;

/// <summary>The public listener is a socket that a supervisor has opened.</summary>
public sealed class SocketActivationTests
{
    [Theory]
    [InlineData(nameof(TransportKind.Engine))]
    [InlineData(nameof(TransportKind.Kestrel))]
    public async Task Connect_SocketWasPassed_IsServedOnIt(string transport)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "SKIPPED: the engine runs on Linux.");
        var passed = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        passed.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        passed.Listen();
        var port = ((IPEndPoint)passed.LocalEndPoint!).Port;

        // Clients that came before relayd was there.
        var early = new List<RawClient>();
        for (var i = 0; i < 4; i++)
        {
            early.Add(await RawClient.ConnectAsync(port));
        }

        await using var server = await RelayServer.StartAsync(
            settings => (settings.Listen.Port, settings.Listen.Transport, settings.Listen.Loops) = (port, Enum.Parse<TransportKind>(transport), 3),
            configureServices: services => services.AddSingleton(new InheritedSockets([passed])));

        Assert.Equal(port, server.Port);
        for (var i = 0; i < 12; i++)
        {
            using var client = i < early.Count ? early[i] : await RawClient.ConnectAsync(port);
            await client.SendAsync(RawClient.Request());
            Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);
        }

        await server.EmptyAsync();
    }

    [Fact]
    public async Task Start_AsSystemdStartsIt_ServesTheSocketOrSaysWhatDoesNotFit()
    {
        const string Program = "systemd-socket-activate";
        Assert.SkipUnless(File.Exists($"/usr/bin/{Program}"), $"SKIPPED: {Program} is not installed.");
        var port = FreePort.Take();
        await using var relay = RelayProcess.StartNow($"set -- {Program} -l 127.0.0.1:{port} -E DOTNET_ROOT -E HOME \"$@\"", $"--Listen:Port={port}", "--Listen:Address=127.0.0.1");
        await Eventually.TrueAsync(() => relay.Output.Contains("Listening on", StringComparison.Ordinal), "it listens");
        using var client = await RawClient.ConnectAsync(port);
        await client.SendAsync(RawClient.Request());
        Assert.StartsWith("HTTP/1.1 101 ", await client.ReadHeadAsync(), StringComparison.Ordinal);

        var other = FreePort.Take();
        await using var wrong = RelayProcess.StartNow($"set -- {Program} -l 127.0.0.1:{other} --fdname=clients -E DOTNET_ROOT -E HOME \"$@\"", $"--Listen:Port={port}");
        await Eventually.TrueAsync(() => wrong.Output.Contains("Listening on", StringComparison.Ordinal), "it listens");
        using var knock = await RawClient.ConnectAsync(other);
        Assert.Equal(1, await wrong.ExitAsync());
        Assert.Contains(
            $"relayd: cannot start: the socket 'clients' (descriptor 3) that was passed to relayd listens on 127.0.0.1:{other}, and the public listeners are 0.0.0.0:{port}; make the ListenStream",
            wrong.Output,
            StringComparison.Ordinal);
    }
}
