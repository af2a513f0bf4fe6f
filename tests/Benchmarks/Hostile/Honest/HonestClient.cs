using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using System.Threading.Channels;

namespace Relay.Benchmarks.Hostile.Honest;

/// <summary>A client that keeps the rules, reads at once what comes, and reports every end that is not its own.</summary>
internal sealed class HonestClient : IAsyncDisposable
{
    /// <summary>A 32-byte public key.</summary>
    public static readonly string Key = Convert.ToBase64String(new byte[32]);

    /// <summary>Longer than anything may take; what has not come by then is lost.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly string[] Errors = ["error", "pair_error", "link_error", "chunk_error", "code_collision", "pair_timeout"];

    private readonly string _name;
    private readonly HonestReport _report;
    private readonly NetworkStream _stream;
    private readonly WebSocket _socket;
    private readonly Channel<JsonElement> _inbox = Channel.CreateUnbounded<JsonElement>(new UnboundedChannelOptions { SingleReader = true });
    private readonly CancellationTokenSource _leave = new();
    private Task _receiving = Task.CompletedTask;

    private HonestClient(string name, HonestReport report, NetworkStream stream)
    {
        (_name, _report, _stream) = (name, report, stream);
        _socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions { KeepAliveInterval = TimeSpan.Zero });
    }

    /// <summary>Its pairing code, once registered.</summary>
    public string Code { get; private set; } = "";

    /// <summary>Connects, upgrades and reads the greeting; anything else is a fault.</summary>
    /// <param name="report">Learns of the socket's end.</param>
    /// <param name="port">Of the relay.</param>
    /// <param name="from">A loopback address of its own.</param>
    /// <param name="preface">What a proxy on the way would send first.</param>
    /// <param name="path">What it asks for.</param>
    public static async Task<HonestClient> ConnectAsync(HonestReport report, int port, IPAddress from, string preface = "", string path = "/")
    {
        using var cancel = new CancellationTokenSource(Patience);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,

            // A reset leaves no port behind that waits a minute.
            LingerState = new LingerOption(enable: true, seconds: 0),
        };
        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            await socket.ConnectAsync(IPAddress.Loopback, port, cancel.Token);
            var client = new HonestClient($"{from}", report, new NetworkStream(socket, ownsSocket: true));
            await client._stream.WriteAsync(Encoding.ASCII.GetBytes(preface + RelayUnderLoad.UpgradeRequest.Replace("GET / ", $"GET {path} ", StringComparison.Ordinal)), cancel.Token);
            var head = await client.ReadHeadAsync(cancel.Token);
            if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
            {
                throw new HonestFault(Harm.Refused, $"{from} got no upgrade but '{head.Split('\r')[0]}'");
            }

            client._receiving = client.ReceiveAsync();
            if (path == "/")
            {
                await client.ExpectAsync("server_identity");
            }

            return client;
        }
        catch (Exception exception) when (exception is SocketException or IOException or OperationCanceledException)
        {
            socket.Dispose();
            throw new HonestFault(Harm.Refused, $"{from} could not connect: {exception.Message}");
        }
    }

    public static async Task<HonestClient> RegisterAsync(HonestReport report, int port, IPAddress from, string code, string preface = "")
    {
        var client = await ConnectAsync(report, port, from, preface);
        await client.RegisterAsync(code);
        return client;
    }

    public async Task RegisterAsync(string code)
    {
        await SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{Key}}"}""");
        await ExpectAsync("registered");
        Code = code;
    }

    public async Task SendAsync(string text)
    {
        using var cancel = new CancellationTokenSource(Patience);
        try
        {
            await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, cancel.Token);
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Its receive loop knows why, or will.
            await _receiving.WaitAsync(Patience);
            throw new HonestFault(Harm.Closed, $"{_name} could not send: {exception.Message}");
        }
    }

    /// <summary>The next message; null when none comes in time.</summary>
    public async Task<JsonElement?> NextAsync(TimeSpan patience)
    {
        using var cancel = new CancellationTokenSource(patience);
        try
        {
            return await _inbox.Reader.ReadAsync(cancel.Token);
        }
        catch (OperationCanceledException)
        {
            return null;
        }
        catch (ChannelClosedException closed) when (closed.InnerException is HonestFault fault)
        {
            throw fault;
        }
    }

    /// <summary>Reads up to a message of this type that fits, over others; an error instead of it is a refusal.</summary>
    public async Task<JsonElement> ExpectAsync(string type, Func<JsonElement, bool>? fits = null)
    {
        while (true)
        {
            var message = await NextAsync(Patience) ?? throw new HonestFault(Harm.Lost, $"{_name} {Code} waited {Patience.TotalSeconds:0} s for {type} in vain");
            var got = message.GetProperty("type").GetString();
            if (got == type && (fits is null || fits(message)))
            {
                return message;
            }

            if (Errors.Contains(got))
            {
                throw new HonestFault(Harm.Refused, $"{_name} {Code} got {message} instead of {type}");
            }
        }
    }

    /// <summary>Vanishes with a TCP reset.</summary>
    public async ValueTask DisposeAsync()
    {
        await _leave.CancelAsync();
        _socket.Dispose();
        await _stream.DisposeAsync();
        await _receiving;
        _leave.Dispose();
    }

    private async Task ReceiveAsync()
    {
        HonestFault end;
        try
        {
            var buffer = new byte[512 * 1024];
            var length = 0;
            ValueWebSocketReceiveResult result;
            while ((result = await _socket.ReceiveAsync(buffer.AsMemory(length), _leave.Token)).MessageType != WebSocketMessageType.Close)
            {
                length += result.Count;
                if (result.EndOfMessage)
                {
                    using var document = JsonDocument.Parse(buffer.AsMemory(0, length));
                    _inbox.Writer.TryWrite(document.RootElement.Clone());
                    length = 0;
                }
            }

            end = new HonestFault(
                _socket.CloseStatus == (WebSocketCloseStatus)1013 && Code.Length == 0 ? Harm.Refused : Harm.Closed,
                $"{_name} {Code} was closed: {(int?)_socket.CloseStatus} {_socket.CloseStatusDescription}");
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            end = new HonestFault(Harm.Closed, $"{_name} {Code} was cut: {exception.Message}");
        }

        if (!_leave.IsCancellationRequested)
        {
            _report.Add(end);
        }

        _inbox.Writer.TryComplete(end);
    }

    private async Task<string> ReadHeadAsync(CancellationToken cancel)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await _stream.ReadAsync(one, cancel) > 0)
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }
}
