using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Relay.EndToEnd.Support;
using Relay.TestKit;

namespace Relay.EndToEnd.Telemetry;

/// <summary>A relayd whose output goes into a pipe that is full and that nobody reads.</summary>
public sealed class UnreadLogTests : IDisposable
{
    // A pipe of Linux holds 64 KiB.
    private const string IntoAFullPipe = "mkfifo pipe && exec 3<>pipe && head -c 65536 /dev/zero >&3 && exec \"$@\" >&3 2>&1";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("relay-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Output_IsNeverRead_ClientsAreServedAndSigtermStops()
    {
        var port = FreePort.Take();
        var start = new ProcessStartInfo(
            "bash",
            [
                "-c", IntoAFullPipe, "relayd", .. TestedPrograms.Relayd(Path.Combine(AppContext.BaseDirectory, "relayd.dll")), "--Listen:Address=127.0.0.1",
                $"--Listen:Port={port}", "--Admin:Socket=admin.sock", "--Identity:KeyFile=server.key", $"--Listen:Transport={TestTransport.Kind}",
                "--Log:Level=Trace",
            ])
        {
            WorkingDirectory = _folder,
        };
        TestedPrograms.HideVariables(start);
        using var relay = Process.Start(start)!;
        try
        {
            await Eventually.TrueAsync(() => relay.HasExited || Listens(port), "relayd listens", Patience);
            Assert.False(relay.HasExited);
            for (var i = 0; i < 3; i++)
            {
                await using var client = await RawWebSocket.OpenAsync(port);
                await client.WriteTextFrameAsync("""{"type":"ping"}""");
                while (!(await client.ReadTextAsync()).Contains("pong", StringComparison.Ordinal))
                {
                }
            }

            using (var kill = Process.Start("kill", ["-s", "TERM", $"{relay.Id}"]))
            {
                await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
            }

            await relay.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
            Assert.Equal(0, relay.ExitCode);
        }
        finally
        {
            if (!relay.HasExited)
            {
                relay.Kill(entireProcessTree: true);
                await relay.WaitForExitAsync(CancellationToken.None);
            }
        }
    }

    private static bool Listens(int port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Connect(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
