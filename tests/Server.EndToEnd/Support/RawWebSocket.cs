using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Relay.EndToEnd.Support;

/// <summary>A bare TCP connection that writes whatever a test likes, and reads frames one by one. Every wait has a timeout.</summary>
internal sealed class RawWebSocket : IAsyncDisposable
{
    public const string Upgrade =
        "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";

    private readonly NetworkStream _stream;

    private RawWebSocket(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    /// <summary>Connects and writes nothing.</summary>
    public static Task<RawWebSocket> DialAsync(RelayServer server, string? from = null) => DialAsync(server.Port, from);

    public static async Task<RawWebSocket> DialAsync(int port, string? from = null, int receiveBuffer = 4096)
    {
        // The small receive buffer lets a test that does not read fill the way to it quickly.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = receiveBuffer };
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        if (from is not null)
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        }

        await socket.ConnectAsync(IPAddress.Loopback, port, cancel.Token);
        return new RawWebSocket(socket);
    }

    /// <summary>Connects, upgrades and reads the greeting.</summary>
    public static async Task<RawWebSocket> OpenAsync(
        RelayServer server, string path = "/", string? from = null, bool greeted = true, int receiveBuffer = 4096)
    {
        var socket = await OpenAsync(server.Port, path, from, receiveBuffer);
        if (greeted)
        {
            Assert.Contains("server_info", await socket.ReadTextAsync(), StringComparison.Ordinal);
            Assert.Contains("server_identity", await socket.ReadTextAsync(), StringComparison.Ordinal);
        }

        return socket;
    }

    /// <summary>Connects and upgrades.</summary>
    public static async Task<RawWebSocket> OpenAsync(int port, string path = "/", string? from = null, int receiveBuffer = 4096)
    {
        var socket = await DialAsync(port, from, receiveBuffer);
        await socket.UpgradeAsync(path);
        return socket;
    }

    /// <summary>Upgrades a connection that has written nothing.</summary>
    public async Task UpgradeAsync(string path = "/")
    {
        await WriteAsync($"GET {path} HTTP/1.1\r\nHost: localhost\r\n{Upgrade}\r\n");
        Assert.StartsWith("HTTP/1.1 101 ", await ReadHeadAsync(), StringComparison.Ordinal);
    }

    public Task WriteAsync(string text) => WriteAsync(Encoding.Latin1.GetBytes(text));

    public async Task WriteAsync(byte[] bytes)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        await _stream.WriteAsync(bytes, cancel.Token);
    }

    /// <summary>One frame with this first byte (flags and opcode); the mask is zero, so the payload stands as it is.</summary>
    public Task WriteFrameAsync(int first, byte[] payload, bool masked = true) => WriteAsync(Frame(first, payload, masked));

    public Task WriteTextFrameAsync(string text) => WriteFrameAsync(0x81, Encoding.UTF8.GetBytes(text));

    /// <summary>The same frame as bytes.</summary>
    public static byte[] Frame(int first, byte[] payload, bool masked = true)
    {
        var mask = masked ? 0x80 : 0;
        byte[] length = payload.Length switch
        {
            < 126 => [(byte)(mask | payload.Length)],
            < 65536 => [(byte)(mask | 126), (byte)(payload.Length >> 8), (byte)payload.Length],
            _ => [(byte)(mask | 127), 0, 0, 0, 0, (byte)(payload.Length >> 24), (byte)(payload.Length >> 16), (byte)(payload.Length >> 8), (byte)payload.Length],
        };
        return [(byte)first, .. length, .. masked ? new byte[4] : [], .. payload];
    }

    /// <summary>A response's head, up to the empty line; what there is when the server cuts the connection first.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await TryReadAsync(one))
        {
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    /// <summary>The next frame's opcode and payload; -1 when the connection is gone.</summary>
    public async Task<(int Opcode, byte[] Payload)> ReadFrameAsync()
    {
        var head = new byte[2];
        if (!await TryReadAsync(head))
        {
            return (-1, []);
        }

        var size = new byte[head[1] switch { 127 => 8, 126 => 2, _ => 0 }];
        await TryReadAsync(size);
        var payload = new byte[size.Length == 0 ? head[1] : size.Aggregate(0, (length, next) => (length << 8) | next)];
        return await TryReadAsync(payload) ? (head[0] & 0x0F, payload) : (-1, []);
    }

    public async Task<string> ReadTextAsync()
    {
        var (opcode, payload) = await ReadFrameAsync();
        Assert.Equal(1, opcode);
        return Encoding.UTF8.GetString(payload);
    }

    /// <summary>Reads over everything else to the close frame: its code and reason; 0 without a code, -1 when there is no close frame.</summary>
    public async Task<(int Code, string Reason)> ReadCloseAsync()
    {
        while (true)
        {
            var (opcode, payload) = await ReadFrameAsync();
            if (opcode == -1)
            {
                return (-1, "");
            }

            if (opcode == 8)
            {
                return payload.Length < 2 ? (0, "") : ((payload[0] << 8) | payload[1], Encoding.UTF8.GetString(payload.AsSpan(2)));
            }
        }
    }

    /// <summary>Reads until the server has closed or cut the connection.</summary>
    public async Task ReadToEndAsync()
    {
        var buffer = new byte[64 * 1024];
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        try
        {
            while (await _stream.ReadAsync(buffer, cancel.Token) > 0)
            {
            }
        }
        catch (IOException)
        {
            // Reset: gone as well.
        }
    }

    /// <summary>So many bytes as they stand on the wire; fewer when the connection ends before.</summary>
    public async Task<byte[]> ReadBytesAsync(int count)
    {
        var buffer = new byte[count];
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
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
            // Reset: an end as well.
        }

        return buffer[..length];
    }

    /// <summary>Exactly these bytes come next.</summary>
    public async Task ExpectAsync(byte[] bytes) => Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(await ReadBytesAsync(bytes.Length)));

    /// <summary>Exactly these bytes come next, and then the end.</summary>
    public async Task ExpectLastAsync(byte[] bytes) => Assert.Equal(Convert.ToHexString(bytes), Convert.ToHexString(await ReadBytesAsync(bytes.Length + 1)));

    /// <summary>Writes until the server has closed or cut the connection, and reads nothing.</summary>
    public async Task WriteUntilCutAsync(byte[] bytes, TimeSpan patience)
    {
        using var cancel = new CancellationTokenSource(patience);
        try
        {
            while (true)
            {
                await _stream.WriteAsync(bytes, cancel.Token);
            }
        }
        catch (IOException)
        {
            // Cut, as was to be shown.
        }
    }

    /// <summary>Sends no more (FIN), and can still read.</summary>
    public void EndSending()
    {
        try
        {
            _stream.Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The server was first to end it.
        }
    }

    /// <summary>Closes with a TCP reset.</summary>
    public void Reset() => _stream.Socket.Close(0);

    public ValueTask DisposeAsync() => _stream.DisposeAsync();

    private async Task<bool> TryReadAsync(byte[] buffer)
    {
        using var cancel = new CancellationTokenSource(TestClient.Timeout);
        try
        {
            return await _stream.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel.Token) == buffer.Length;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
