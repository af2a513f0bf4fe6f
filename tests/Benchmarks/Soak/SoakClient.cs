using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;

namespace Relay.Benchmarks.Soak;

/// <summary>Something that the relay should not have done.</summary>
internal sealed class SoakFailure(string text) : Exception(text);

/// <summary>A client that speaks WebSocket over a bare socket, and leaves in any way there is.</summary>
internal sealed class SoakClient : IAsyncDisposable
{
    // Longer than the longest that the relay lets anybody wait: a pull of a chunk, 30 s.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket _tcp;
    private readonly WebSocket _socket;
    private readonly SoakTraffic _traffic;
    private readonly byte[] _buffer = new byte[64 * 1024];
    private bool _left;

    private SoakClient(Socket tcp, SoakTraffic traffic)
    {
        _tcp = tcp;
        _traffic = traffic;
        _socket = WebSocket.CreateFromStream(new NetworkStream(tcp, ownsSocket: true), new WebSocketCreationOptions { IsServer = false });
    }

    /// <summary>Its pairing code, once registered.</summary>
    public string Code { get; private set; } = "";

    /// <summary>Connects from any of a few addresses; null: the relay is full, and has said so as it should.</summary>
    public static async Task<SoakClient?> ConnectAsync(SoakTraffic traffic)
    {
        var client = new SoakClient(await DialAsync(traffic), traffic);
        await client.SendRawAsync(Encoding.ASCII.GetBytes(RelayUnderLoad.UpgradeRequest));
        var head = await client.ReadHeadAsync();
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            throw new SoakFailure($"no upgrade: {head}");
        }

        try
        {
            await client.ExpectAsync("server_info");
            await client.ExpectAsync("server_identity");
            return client;
        }
        catch (SoakFailure) when (client._socket.CloseStatus == (WebSocketCloseStatus)1013)
        {
            await client.DisposeAsync();
            return null;
        }
    }

    /// <summary>Connects and takes a pairing code; null where the relay is full.</summary>
    public static async Task<SoakClient?> RegisterAsync(SoakTraffic traffic)
    {
        if (await ConnectAsync(traffic) is not { } client)
        {
            return null;
        }

        client.Code = traffic.NewCode();
        await client.SendAsync($$"""{"type":"register","pairingCode":"{{client.Code}}","publicKey":"{{SoakTraffic.Key}}"}""");
        await client.ExpectAsync("registered");
        return client;
    }

    public static async Task<Socket> DialAsync(SoakTraffic traffic)
    {
        var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        tcp.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(1 + traffic.Next(SoakTraffic.Addresses))]), 0));
        await tcp.ConnectAsync(IPAddress.Loopback, traffic.Port);
        return tcp;
    }

    public async Task SendAsync(string text)
    {
        using var cancel = new CancellationTokenSource(Patience);
        await _socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, cancel.Token);
    }

    public async Task SendRawAsync(byte[] bytes)
    {
        using var cancel = new CancellationTokenSource(Patience);
        for (var sent = 0; sent < bytes.Length;)
        {
            sent += await _tcp.SendAsync(bytes.AsMemory(sent), cancel.Token);
        }
    }

    /// <summary>Reads up to a message of this type, over others; an error that is not awaited is a failure, and so is a close.</summary>
    public async Task<JsonElement> ExpectAsync(string type)
    {
        while (true)
        {
            var text = await ReadAsync() ?? throw new SoakFailure($"closed {(int?)_socket.CloseStatus} {_socket.CloseStatusDescription} instead of {type}");
            var message = JsonDocument.Parse(text).RootElement;
            var got = message.GetProperty("type").GetString();
            if (got == type)
            {
                _traffic.Answered(type);
                return message;
            }

            if (got is "error")
            {
                throw new SoakFailure($"{text} instead of {type}");
            }
        }
    }

    /// <summary>Reads whatever comes until the relay closes.</summary>
    public async Task DrainAsync()
    {
        try
        {
            while (await ReadAsync() is not null)
            {
            }
        }
        catch (WebSocketException)
        {
            // Cut: an end like any other.
        }
    }

    /// <summary>Leaves politely, with a reset, without a word, in the middle of a frame, or with a frame that is none.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_left)
        {
            return;
        }

        _left = true;
        try
        {
            switch (_traffic.Next(5))
            {
                case 0 when _socket.State == WebSocketState.Open:
                    using (var cancel = new CancellationTokenSource(Patience))
                    {
                        await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "bye", cancel.Token);
                    }

                    await DrainAsync();
                    break;
                case 1:
                    _tcp.LingerState = new LingerOption(enable: true, seconds: 0);
                    break;
                case 2:
                    await SendRawAsync([0x81, 0xFE, 0x10]);
                    break;
                case 3:
                    await SendRawAsync([0xFF, 0xFF, 0xFF, 0xFF]);
                    await DrainAsync();
                    break;
            }
        }
        catch (Exception exception) when (exception is WebSocketException or SocketException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            // The relay was quicker.
        }

        _socket.Dispose();
        _tcp.Dispose();
    }

    // Null: closed.
    private async Task<string?> ReadAsync()
    {
        using var cancel = new CancellationTokenSource(Patience);
        var text = "";
        while (true)
        {
            var result = await _socket.ReceiveAsync(_buffer.AsMemory(), cancel.Token);
            if (result.MessageType == WebSocketMessageType.Close)
            {
                return null;
            }

            text += Encoding.UTF8.GetString(_buffer, 0, result.Count);
            if (result.EndOfMessage)
            {
                return text;
            }
        }
    }

    // What follows the head belongs to the WebSocket: it is looked at and left where it is.
    private async Task<string> ReadHeadAsync()
    {
        using var cancel = new CancellationTokenSource(Patience);
        while (true)
        {
            var seen = await _tcp.ReceiveAsync(_buffer.AsMemory(), SocketFlags.Peek, cancel.Token);
            var end = _buffer.AsSpan(0, seen).IndexOf("\r\n\r\n"u8);
            if (end >= 0 || seen == 0)
            {
                var length = await _tcp.ReceiveAsync(_buffer.AsMemory(0, end < 0 ? 0 : end + 4), cancel.Token);
                return Encoding.ASCII.GetString(_buffer, 0, length);
            }

            await Task.Delay(1, cancel.Token);
        }
    }
}
