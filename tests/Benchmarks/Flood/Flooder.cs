using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Relay.Benchmarks.Flood;

/// <summary>
/// The other side of the flood, a process of its own: from three addresses it first takes all the places that it can get,
/// and then, a thread for each, connects, asks, reads what it is told, and begins again.
/// </summary>
internal static class Flooder
{
    private const int Addresses = 3;
    private const int Places = 50;

    private static readonly byte[] Request = Encoding.ASCII.GetBytes(RelayUnderLoad.UpgradeRequest);

    public static int Run(int port, TimeSpan length)
    {
        var told = new long[4];
        var end = Stopwatch.GetTimestamp() + (long)(length.TotalSeconds * Stopwatch.Frequency);
        var threads = Enumerable.Range(1, Addresses).Select(number => new Thread(() => Flood(new IPAddress([127, 0, 2, (byte)number]), port, end, told))).ToList();
        threads.ForEach(thread => thread.Start());
        threads.ForEach(thread => thread.Join());
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{told[0]:#,0} upgrades, {told[1]:#,0} statuses, {told[2]:#,0} ends without a word, {told[3]:#,0} connections that failed"));
        return 0;
    }

    private static void Flood(IPAddress from, int port, long end, long[] told)
    {
        var buffer = new byte[1024];
        var places = Enumerable.Range(0, Places).Select(_ => Connect(from, port, buffer, out var _)).ToList();
        while (Stopwatch.GetTimestamp() < end)
        {
            using var socket = Connect(from, port, buffer, out var answer);
            Interlocked.Increment(ref told[answer]);

            // A reset leaves no port behind that waits a minute.
            socket.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        places.ForEach(place => place.Dispose());
    }

    private static Socket Connect(IPAddress from, int port, byte[] buffer, out int answer)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            socket.Connect(IPAddress.Loopback, port);
        }
        catch (SocketException)
        {
            answer = 3;
            return socket;
        }

        try
        {
            socket.Send(Request);
            var read = socket.Receive(buffer);
            answer = read == 0 ? 2 : buffer.AsSpan(0, read).StartsWith("HTTP/1.1 101 "u8) ? 0 : 1;
        }
        catch (SocketException)
        {
            answer = 2;
        }

        return socket;
    }
}
