using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Relay.Benchmarks;

/// <summary>
/// How much resident memory does an idle socket cost? Starts relayd as a process of its own, opens N registered sockets
/// from several loopback addresses, lets them be, and compares the process's resident memory before and after.
/// </summary>
internal static class IdleSockets
{
    private const int PerAddress = 1000;
    private const int Uncounted = 1000;

    public static async Task<int> MeasureAsync(int count)
    {
        var folder = Directory.CreateTempSubdirectory("relay-idle-").FullName;
        var port = FreePort();
        using var relay = Start(folder, port, count);
        try
        {
            await UntilReadyAsync(port, relay);
            // What is paid once (compiled code, pools) is not a socket's cost: the first thousand stay open and are not counted.
            var sockets = new List<Socket>(count + Uncounted);
            await OpenAsync(Uncounted, port, sockets);
            await SettleAsync(port, Uncounted);
            var before = Resident(relay);
            var heapBefore = await HeapAsync(port);
            var watch = Stopwatch.StartNew();
            await OpenAsync(count, port, sockets);
            var opened = watch.Elapsed;
            await SettleAsync(port, Uncounted + count);
            var after = Resident(relay);
            var heapAfter = await HeapAsync(port);
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{count:#,0} idle sockets: {(after - before) / (double)count:#,0} bytes of RSS each "
                + $"({before / 1048576.0:0.0} MiB before, {after / 1048576.0:0.0} MiB after; managed heap {(heapAfter - heapBefore) / count:#,0} bytes each), opened in {opened.TotalSeconds:0.0} s"));
            sockets.ForEach(socket => socket.Dispose());
            return 0;
        }
        finally
        {
            relay.Kill();
            await relay.WaitForExitAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static Process Start(string folder, int port, int count)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "relayd.dll");
        var start = new ProcessStartInfo("dotnet")
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            ArgumentList =
            {
                program,
                "--Listen:Address=127.0.0.1",
                $"--Listen:Port={port}",
                $"--Admin:Socket={Path.Combine(folder, "admin.sock")}",
                $"--Admission:Total={count + Uncounted}",
                $"--Admission:PerIp={2 * PerAddress}",
                "--Sessions:RegistrationTimeout=0",
                "--Log:Level=Warning",
            },
        };
        return Process.Start(start)!;
    }

    // A raw socket that has read the greeting and then does nothing: the client's own cost stays out of the way.
    private static async Task OpenAsync(int count, int port, List<Socket> keep)
    {
        var greeting = new byte[4096];
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (i / PerAddress))]), 0));
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"));
            var text = "";
            while (!text.Contains("server_identity", StringComparison.Ordinal))
            {
                var read = await socket.ReceiveAsync(greeting);
                text += read > 0
                    ? Encoding.Latin1.GetString(greeting, 0, read)
                    : throw new IOException($"socket {i} was closed: {text}");
            }

            keep.Add(socket);
        }
    }

    private static async Task UntilReadyAsync(int port, Process relay)
    {
        using var http = new HttpClient();
        for (var tries = 0; tries < 100 && !relay.HasExited; tries++)
        {
            try
            {
                (await http.GetAsync(new Uri($"http://127.0.0.1:{port}/ready"))).EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(100);
            }
        }

        throw new InvalidOperationException("relayd did not start");
    }

    // A second of quiet after the count is as it should be: what was rented is returned, pools have trimmed.
    private static async Task SettleAsync(int port, int expected)
    {
        using var http = new HttpClient();
        for (var tries = 0; tries < 100; tries++)
        {
            var stats = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/stats"));
            if (stats.Contains($"\"connections\":{expected},", StringComparison.Ordinal))
            {
                break;
            }

            await Task.Delay(100);
        }

        await Task.Delay(1000);
    }

    private static async Task<long> HeapAsync(int port)
    {
        using var http = new HttpClient();
        var metrics = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
        var line = metrics.Split('\n').First(line => line.StartsWith("relay_process_heap_bytes", StringComparison.Ordinal));
        return (long)double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture);
    }

    private static long Resident(Process process)
    {
        process.Refresh();
        return process.WorkingSet64;
    }

    private static int FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
