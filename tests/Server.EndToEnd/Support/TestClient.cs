using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Relay.EndToEnd.Support;

/// <summary>A real ClientWebSocket with a timeout on every wait, from any loopback address.</summary>
internal sealed class TestClient : IAsyncDisposable
{
    public static readonly TimeSpan Timeout = TimeSpan.FromSeconds(30);

    private readonly SocketsHttpHandler _handler;
    private readonly HttpMessageInvoker _invoker;

    private TestClient(string? from, IReadOnlyDictionary<string, string>? headers)
    {
        _handler = new SocketsHttpHandler
        {
            ConnectCallback = async (context, cancel) =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                if (from is not null)
                {
                    socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
                }

                await socket.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancel);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        _invoker = new HttpMessageInvoker(_handler);
        Socket.Options.KeepAliveInterval = TimeSpan.Zero;
        foreach (var (name, value) in headers ?? new Dictionary<string, string>())
        {
            Socket.Options.SetRequestHeader(name, value);
        }
    }

    public ClientWebSocket Socket { get; } = new();

    /// <summary>Connects; the server's greeting is left unread unless <paramref name="greeted"/>.</summary>
    public static Task<TestClient> ConnectAsync(
        RelayServer server, string path = "/", string? from = null, bool greeted = true, IReadOnlyDictionary<string, string>? headers = null) =>
        ConnectAsync(server.NextPort, path, from, greeted, headers);

    public static async Task<TestClient> ConnectAsync(
        int port, string path = "/", string? from = null, bool greeted = true, IReadOnlyDictionary<string, string>? headers = null)
    {
        var client = new TestClient(from, headers);
        using var cancel = new CancellationTokenSource(Timeout);
        await client.Socket.ConnectAsync(new Uri($"ws://127.0.0.1:{port}{path}"), client._invoker, cancel.Token);
        if (greeted)
        {
            await client.ExpectAsync("server_info");
            await client.ExpectAsync("server_identity");
        }

        return client;
    }

    /// <summary>Connects and registers a pairing code.</summary>
    public static Task<TestClient> RegisterAsync(RelayServer server, string code, string? from = null) => RegisterAsync(server.NextPort, code, from);

    public static async Task<TestClient> RegisterAsync(int port, string code, string? from = null)
    {
        var client = await ConnectAsync(port, from: from);
        await client.SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{Key(code)}}"}""");
        await client.ExpectAsync("registered");
        return client;
    }

    /// <summary>Connects through a proxy on this machine that the server trusts, from an address of the test's choice, and registers.</summary>
    public static async Task<TestClient> RegisterBehindProxyAsync(RelayServer server, string code, string address)
    {
        var client = await ConnectAsync(server, headers: new Dictionary<string, string> { ["X-Forwarded-For"] = address });
        await client.RegisterCodeAsync(code, Key(code));
        await client.ExpectAsync("registered");
        return client;
    }

    public Task RegisterCodeAsync(string code, string key) =>
        SendAsync($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"{{key}}"}""");

    /// <summary>A 32-byte key in base64 that belongs to a code.</summary>
    public static string Key(string code) => Convert.ToBase64String(Encoding.ASCII.GetBytes(code.PadRight(32, 'k')));

    public async Task SendAsync(string text, WebSocketMessageType type = WebSocketMessageType.Text)
    {
        using var cancel = new CancellationTokenSource(Timeout);
        await Socket.SendAsync(Encoding.UTF8.GetBytes(text), type, endOfMessage: true, cancel.Token);
    }

    /// <summary>The next message's text; throws when the socket closes first.</summary>
    public Task<string> ReceiveTextAsync() => ReceiveTextAsync(Timeout);

    public async Task<string> ReceiveTextAsync(TimeSpan timeout)
    {
        using var cancel = new CancellationTokenSource(timeout);
        var bytes = new ArraySegmentWriter();
        while (true)
        {
            var result = await Socket.ReceiveAsync(bytes.Free(), cancel.Token);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                throw new WebSocketException($"closed {(int?)Socket.CloseStatus} {Socket.CloseStatusDescription}");
            }

            bytes.Advance(result.Count);
            if (result.EndOfMessage)
            {
                return Encoding.UTF8.GetString(bytes.Written);
            }
        }
    }

    /// <summary>The next message, which must be of this type.</summary>
    public async Task<JsonElement> ExpectAsync(string type)
    {
        var text = await ReceiveTextAsync();
        var message = JsonDocument.Parse(text).RootElement;
        Assert.True(message.GetProperty("type").GetString() == type, $"expected {type}, got {text}");
        return message;
    }

    /// <summary>The next message must be an error with this text.</summary>
    public async Task ExpectErrorAsync(string text) =>
        Assert.Equal(text, (await ExpectAsync("error")).GetProperty("message").GetString());

    /// <summary>Sends a ping and expects its pong next: nothing else was on its way.</summary>
    public async Task ExpectNothingAsync()
    {
        await SendAsync("""{"type":"ping"}""");
        await ExpectAsync("pong");
    }

    /// <summary>Reads until the server closes, and gives its code and reason. -1: cut without a close frame.</summary>
    public async Task<(int Code, string Reason)> ExpectCloseAsync(TimeSpan? patience = null)
    {
        using var cancel = new CancellationTokenSource(patience ?? Timeout);
        var buffer = new byte[64 * 1024];
        try
        {
            while ((await Socket.ReceiveAsync(buffer.AsMemory(), cancel.Token)).MessageType != WebSocketMessageType.Close)
            {
            }

            return ((int)Socket.CloseStatus!.Value, Socket.CloseStatusDescription ?? "");
        }
        catch (WebSocketException)
        {
            return (-1, "");
        }
    }

    public async Task CloseAsync()
    {
        using var cancel = new CancellationTokenSource(Timeout);
        await Socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", cancel.Token);
    }

    public ValueTask DisposeAsync()
    {
        Socket.Dispose();
        _invoker.Dispose();
        return ValueTask.CompletedTask;
    }

    private sealed class ArraySegmentWriter
    {
        private byte[] _buffer = new byte[4096];
        private int _written;

        public ReadOnlySpan<byte> Written => _buffer.AsSpan(0, _written);

        public Memory<byte> Free()
        {
            if (_written == _buffer.Length)
            {
                Array.Resize(ref _buffer, _buffer.Length * 2);
            }

            return _buffer.AsMemory(_written);
        }

        public void Advance(int count) => _written += count;
    }
}
