using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

namespace Relay.Benchmarks.Flood;

/// <summary>Admitted clients in pairs: each sends its partner offers that carry the moment of sending.</summary>
internal sealed class PairTraffic : IAsyncDisposable
{
    private const int PerAddress = 20;
    private const string Mark = "\"sentAt\":";

    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _stopSending = new();
    private readonly List<(ClientWebSocket Socket, HttpMessageInvoker Invoker)> _clients = [];
    private readonly List<Task> _loops = [];
    private Task _sending = Task.CompletedTask;
    private readonly Lock _lock = new();

    // Guarded by _lock.
    private List<double> _times = [];

    // Atomic.
    private long _sent;
    private long _received;
    private int _disconnected;

    private PairTraffic()
    {
    }

    /// <summary>Clients whose socket ended.</summary>
    public int Disconnected => Volatile.Read(ref _disconnected);

    public static async Task<PairTraffic> StartAsync(int port, int pairs, int perSecond)
    {
        var traffic = new PairTraffic();
        for (var i = 0; i < pairs * 2; i++)
        {
            await traffic.ConnectAsync(port, i);
        }

        traffic._sending = traffic.SendAsync(perSecond);
        return traffic;
    }

    /// <summary>The milliseconds that each message took since the last call.</summary>
    public double[] Restart()
    {
        lock (_lock)
        {
            var times = _times.ToArray();
            _times = [];
            return times;
        }
    }

    /// <summary>Sends no more, and says how many messages did not come.</summary>
    public async Task<long> FinishAsync()
    {
        await _stopSending.CancelAsync();
        await _sending;
        for (var tries = 0; tries < 200 && Interlocked.Read(ref _received) < Interlocked.Read(ref _sent); tries++)
        {
            await Task.Delay(10);
        }

        return Interlocked.Read(ref _sent) - Interlocked.Read(ref _received);
    }

    public async ValueTask DisposeAsync()
    {
        await FinishAsync();
        await _stop.CancelAsync();
        await Task.WhenAll(_loops);
        foreach (var (socket, invoker) in _clients)
        {
            socket.Dispose();
            invoker.Dispose();
        }

        _stop.Dispose();
        _stopSending.Dispose();
    }

    private async Task ConnectAsync(int port, int number)
    {
        var invoker = new HttpMessageInvoker(new SocketsHttpHandler
        {
            ConnectCallback = async (_, cancel) =>
            {
                var raw = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                raw.Bind(new IPEndPoint(new IPAddress([127, 0, 1, (byte)(1 + (number / PerAddress))]), 0));
                await raw.ConnectAsync(IPAddress.Loopback, port, cancel);
                return new NetworkStream(raw, ownsSocket: true);
            },
        });
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = TimeSpan.Zero;
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}/"), invoker, _stop.Token);
        _clients.Add((socket, invoker));
        await SendAsync(socket, $$"""{"type":"register","pairingCode":"{{Code(number)}}","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}""");
        _loops.Add(ReceiveAsync(socket));
    }

    private async Task SendAsync(int perSecond)
    {
        // Ten at a time, so that the timer's grain does not matter.
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(10.0 / perSecond));
        try
        {
            for (var next = 0; await timer.WaitForNextTickAsync(_stopSending.Token);)
            {
                for (var i = 0; i < 10; i++, next = (next + 1) % _clients.Count)
                {
                    var text = string.Create(
                        CultureInfo.InvariantCulture,
                        $$$"""{"type":"offer","target":"{{{Code(next ^ 1)}}}","payload":{"sdp":"{{{new string('v', 1_000)}}}",{{{Mark}}}{{{Stopwatch.GetTimestamp()}}}}}""");
                    await SendAsync(_clients[next].Socket, text);
                    Interlocked.Increment(ref _sent);
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException)
        {
            // Stopped, or disconnected, which its receive loop counts.
        }
    }

    private async Task ReceiveAsync(ClientWebSocket socket)
    {
        var buffer = new byte[8 * 1024];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), _stop.Token) is { MessageType: WebSocketMessageType.Text } result)
            {
                var now = Stopwatch.GetTimestamp();
                var text = buffer.AsSpan(0, result.Count);
                var at = text.IndexOf(Encoding.ASCII.GetBytes(Mark));
                if (at >= 0 && System.Buffers.Text.Utf8Parser.TryParse(text[(at + Mark.Length)..], out long sent, out _))
                {
                    Interlocked.Increment(ref _received);
                    lock (_lock)
                    {
                        _times.Add(Stopwatch.GetElapsedTime(sent, now).TotalMilliseconds);
                    }
                }
            }
        }
        catch (Exception exception) when (exception is OperationCanceledException or WebSocketException)
        {
            // Counted below unless it was our own end.
        }

        if (!_stop.IsCancellationRequested)
        {
            Interlocked.Increment(ref _disconnected);
        }
    }

    private async Task SendAsync(ClientWebSocket socket, string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, _stop.Token);

    // Six letters of the code's alphabet.
    public static string Code(int number) => string.Create(6, number, static (code, value) =>
    {
        for (var i = 0; i < code.Length; i++, value /= 20)
        {
            code[i] = "ABCDEFGHJKLMNPQRSTUV"[value % 20];
        }
    });
}
