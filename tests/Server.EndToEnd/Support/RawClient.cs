using System.Buffers.Binary;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;

namespace Relay.EndToEnd.Support;

/// <summary>A bare TCP connection to the public port, for what no WebSocket library sends, with a timeout on every wait.</summary>
internal sealed class RawClient : IDisposable
{
    /// <summary>A masked close frame with code 1000; a mask of zeros is as good as any.</summary>
    public static readonly byte[] CloseFrame = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

    private Stream _stream = Stream.Null;

    private RawClient()
    {
    }

    public static Task<RawClient> ConnectAsync(RelayServer server, string from = "127.0.0.1") => ConnectAsync(server.Port, from);

    public static async Task<RawClient> ConnectAsync(int port, string from = "127.0.0.1")
    {
        var client = new RawClient();
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        client._socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        await client._socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, port), cancel.Token);
        client._stream = new NetworkStream(client._socket);
        return client;
    }

    /// <summary>From here on everything goes through TLS; <paramref name="before"/> goes out in one segment with its first bytes.</summary>
    public async Task StartTlsAsync(string before = "")
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        var tls = new SslStream(new PrefixedStream(_stream, Encoding.ASCII.GetBytes(before)));
        _stream = tls;
        await tls.AuthenticateAsClientAsync(
            new SslClientAuthenticationOptions { TargetHost = "localhost", RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate?.Subject == "CN=localhost" },
            cancel.Token);
    }

    /// <summary>Connects and gets a 101.</summary>
    public static Task<RawClient> UpgradeAsync(RelayServer server, string from = "127.0.0.1", params string[] headers) =>
        UpgradeAsync(server.Port, from, headers);

    public static async Task<RawClient> UpgradeAsync(int port, string from = "127.0.0.1", params string[] headers)
    {
        var client = await ConnectAsync(port, from);
        await client.SendAsync(Request(headers: headers));
        var head = await client.ReadHeadAsync();
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            Assert.Fail($"Refused: {head}{await client.ReadToEndAsync()}");
        }

        return client;
    }

    /// <summary>An upgrade request.</summary>
    public static string Request(
        string path = "/", string key = "AAAAAAAAAAAAAAAAAAAAAA==", string version = "13", params string[] headers) =>
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {version}\r\n"
        + string.Concat(headers.Select(header => header + "\r\n")) + "\r\n";

    public Task SendAsync(string text) => SendAsync(Encoding.ASCII.GetBytes(text));

    public async Task SendAsync(byte[] bytes)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        await _stream.WriteAsync(bytes, cancel.Token);
    }

    /// <summary>Sends until the server has cut the connection.</summary>
    public async Task SendUntilCutAsync(byte[] bytes)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        try
        {
            while (true)
            {
                await _stream.WriteAsync(bytes, cancel.Token);
                await Task.Yield();
            }
        }
        catch (IOException)
        {
            // Cut, as was to be shown.
        }
    }

    /// <summary>The head of a response, or what came of it before the server closed.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await ReadAsync(1) is [var next])
        {
            head.Append((char)next);
        }

        return head.ToString();
    }

    /// <summary>The next frame; opcode 0 and nothing when the server closed instead.</summary>
    public async Task<(int Opcode, byte[] Payload)> ReadFrameAsync()
    {
        if (await ReadAsync(2) is not [var first, var length])
        {
            return (0, []);
        }

        var size = length < 126 ? length : BinaryPrimitives.ReadUInt16BigEndian(await ReadAsync(2));
        return (first & 0x0F, await ReadAsync(size));
    }

    /// <summary>The next frame, which must be a close frame.</summary>
    public async Task<(int Code, string Reason)> ReadCloseAsync()
    {
        var (opcode, payload) = await ReadFrameAsync();
        Assert.Equal(8, opcode);
        return (BinaryPrimitives.ReadUInt16BigEndian(payload), Encoding.UTF8.GetString(payload.AsSpan(2)));
    }

    /// <summary>All that still comes until the server closes or resets.</summary>
    public async Task<string> ReadToEndAsync()
    {
        var rest = new StringBuilder();
        while (await ReadAsync(1) is [var next])
        {
            rest.Append((char)next);
        }

        return rest.ToString();
    }

    /// <summary>Closes with a TCP reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(enable: true, seconds: 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _stream.Dispose();
        _socket.Dispose();
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        var buffer = new byte[count];
        var length = 0;
        try
        {
            while (length < count && await _stream.ReadAsync(buffer.AsMemory(length), cancel.Token) is > 0 and var read)
            {
                length += read;
            }
        }
        catch (IOException)
        {
            // A reset is an end like any other.
        }

        return buffer[..length];
    }
}
