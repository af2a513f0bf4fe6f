using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Relay.Benchmarks.Flood;

namespace Relay.Benchmarks;

/// <summary>
/// What does an idle socket cost? Starts relayd as a process of its own, opens N sockets from several loopback addresses, that are
/// registered with a code and a key or not, lets them be, and compares the process's resident memory before and after. Then
/// its processor time, pings included.
/// </summary>
internal static class IdleSockets
{
    private const int PerAddress = 1000;
    private const int Uncounted = 1000;

    // Every socket is sent a ping in it.
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(10);

    public static async Task<int> MeasureAsync(int count)
    {
        await MeasureAsync(count, areRegistered: false);
        await MeasureAsync(count, areRegistered: true);
        return 0;
    }

    private static async Task MeasureAsync(int count, bool areRegistered)
    {
        await using var relay = await RelayUnderLoad.StartAsync(
            $"--Admission:Total={count + Uncounted}", $"--Admission:PerIp={2 * PerAddress}", "--Admission:ConnectRatePerIp=off", "--Admission:ConnectRateTotal=off",
            "--Sessions:RegistrationTimeout=0", $"--Sessions:PingInterval={PingInterval.TotalSeconds}s");

        // What is paid once (compiled code, pools) is not a socket's cost: the first thousand stay open and are not counted.
        var sockets = new List<Socket>(count + Uncounted);
        await OpenAsync(Uncounted, relay.Port, areRegistered, sockets);
        var before = await SettleAsync(relay, Uncounted);
        var watch = Stopwatch.StartNew();
        await OpenAsync(count, relay.Port, areRegistered, sockets);
        var opened = watch.Elapsed;
        var after = await SettleAsync(relay, Uncounted + count);
        var worked = relay.ProcessorTime;
        await Task.Delay(PingInterval);
        var busy = (relay.ProcessorTime - worked) / PingInterval;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{count:#,0} {(areRegistered ? "registered" : "idle")} sockets: {(after.ResidentBytes - before.ResidentBytes) / (double)count:#,0} bytes of RSS each "
            + $"({before.ResidentBytes / 1048576.0:0.0} MiB before, {after.ResidentBytes / 1048576.0:0.0} MiB after; managed heap "
            + $"{(after.HeapBytes - before.HeapBytes) / count:#,0} bytes each), opened in {opened.TotalSeconds:0.0} s; a ping each in {PingInterval.TotalSeconds} s: {busy:0.0%} of a core"));
        sockets.ForEach(socket => socket.Dispose());
    }

    // A raw socket that has read the greeting and then does nothing: the client's own cost stays out of the way.
    private static async Task OpenAsync(int count, int port, bool areRegistered, List<Socket> keep)
    {
        var greeting = new byte[4096];
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + (i / PerAddress))]), 0));
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(Encoding.ASCII.GetBytes(RelayUnderLoad.UpgradeRequest));
            await ReadAsync(socket, "server_identity", greeting);
            if (areRegistered)
            {
                await socket.SendAsync(Register(keep.Count));
                await ReadAsync(socket, "registered", greeting);
            }

            keep.Add(socket);
        }
    }

    private static async Task ReadAsync(Socket socket, string awaited, byte[] buffer)
    {
        var text = "";
        while (!text.Contains(awaited, StringComparison.Ordinal))
        {
            var read = await socket.ReceiveAsync(buffer);
            text += read > 0
                ? Encoding.Latin1.GetString(buffer, 0, read)
                : throw new IOException($"the relay closed a socket after: {text}");
        }
    }

    // A text frame between 126 bytes and 64 KiB, masked with zeros.
    private static byte[] Register(int number)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
        var text = Encoding.ASCII.GetBytes($$"""{"type":"register","pairingCode":"{{PairTraffic.Code(number)}}","publicKey":"{{key}}"}{{new string(' ', 40)}}""");
        return [0x81, 0xFE, (byte)(text.Length >> 8), (byte)text.Length, 0, 0, 0, 0, .. text];
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
