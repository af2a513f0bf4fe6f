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
        await using var relay = await RelayUnderLoad.StartAsync(
            $"--Admission:Total={count + Uncounted}", $"--Admission:PerIp={2 * PerAddress}", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off",
            "--Sessions:RegistrationTimeout=0");

        // What is paid once (compiled code, pools) is not a socket's cost: the first thousand stay open and are not counted.
        var sockets = new List<Socket>(count + Uncounted);
        await OpenAsync(Uncounted, relay.Port, sockets);
        var before = await SettleAsync(relay, Uncounted);
        var watch = Stopwatch.StartNew();
        await OpenAsync(count, relay.Port, sockets);
        var opened = watch.Elapsed;
        var after = await SettleAsync(relay, Uncounted + count);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count:#,0} idle sockets: {(after.ResidentBytes - before.ResidentBytes) / (double)count:#,0} bytes of RSS each "
            + $"({before.ResidentBytes / 1048576.0:0.0} MiB before, {after.ResidentBytes / 1048576.0:0.0} MiB after; managed heap "
            + $"{(after.HeapBytes - before.HeapBytes) / count:#,0} bytes each), opened in {opened.TotalSeconds:0.0} s"));
        sockets.ForEach(socket => socket.Dispose());
        return 0;
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
            await socket.SendAsync(Encoding.ASCII.GetBytes(RelayUnderLoad.UpgradeRequest));
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

    // A second of quiet after the count is as it should be: what was rented is returned, pools have trimmed.
    private static async Task<AdminApi.Process> SettleAsync(RelayUnderLoad relay, int expected)
    {
        for (var tries = 0; tries < 100 && (await relay.StatsAsync()).Connections.Current != expected; tries++)
        {
            await Task.Delay(100);
        }

        await Task.Delay(1000);
        return (await relay.StatsAsync()).Process;
    }
}
