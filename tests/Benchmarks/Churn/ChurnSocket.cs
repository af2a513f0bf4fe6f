using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Relay.Benchmarks.Churn;

/// <summary>
/// A WebSocket client on a blocking socket, for one thread, which lends it the buffer. A wait of half a minute throws, and so does
/// every end that was not expected.
/// </summary>
internal sealed class ChurnSocket : IDisposable
{
    private const int PatienceMilliseconds = 30_000;

    // A relay that has not read on for so long has stopped reading.
    private const int StuckMicroseconds = 20_000;

    private readonly Socket _socket;
    private readonly byte[] _buffer;
    private int _start;
    private int _end;

    /// <summary>Connects.</summary>
    /// <param name="receiveBytes">Of the system's receive buffer; 0: as the system likes.</param>
    public ChurnSocket(IPAddress from, int port, byte[] buffer, int receiveBytes = 0)
    {
        _buffer = buffer;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = PatienceMilliseconds,
            ReceiveTimeout = PatienceMilliseconds,
        };
        if (receiveBytes > 0)
        {
            _socket.ReceiveBufferSize = _socket.SendBufferSize = receiveBytes;
        }

        _socket.Bind(new IPEndPoint(from, 0));
        _socket.Connect(IPAddress.Loopback, port);
    }

    /// <summary>One frame from a client; the mask is zero, so the payload stands as it is.</summary>
    public static byte[] Frame(int first, string payload)
    {
        var bytes = Encoding.ASCII.GetBytes(payload);
        byte[] length = bytes.Length < 126 ? [(byte)(0x80 | bytes.Length)] : [0x80 | 126, (byte)(bytes.Length >> 8), (byte)bytes.Length];
        return [(byte)first, .. length, 0, 0, 0, 0, .. bytes];
    }

    public void Send(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            bytes = bytes[_socket.Send(bytes)..];
        }
    }

    public void SendText(string text) => Send(Frame(0x81, text));

    /// <summary>Sends the same again and again until the relay reads no more.</summary>
    public void SendUntilStuck(ReadOnlySpan<byte> bytes)
    {
        _socket.Blocking = false;
        for (var next = 0; _socket.Poll(StuckMicroseconds, SelectMode.SelectWrite);)
        {
            next = (next + _socket.Send(bytes[next..], SocketFlags.None, out var error)) % bytes.Length;
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                throw new SocketException((int)error);
            }
        }

        _socket.Blocking = true;
    }

    /// <summary>Upgrades, and reads the answer.</summary>
    public void Upgrade()
    {
        Send(Encoding.ASCII.GetBytes(ChurnStages.Request));
        ReadHead("HTTP/1.1 101 ");
    }

    /// <summary>Upgrades, and takes a pairing code; what comes before the answer is checked.</summary>
    public void Register(string code, FrameCheck check)
    {
        Upgrade();
        SendText($$"""{"type":"register","pairingCode":"{{code}}","publicKey":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}""");
        while (check.Next(this) != FrameKind.Registered)
        {
        }
    }

    /// <summary>The head of an answer, which must begin like this.</summary>
    public void ReadHead(string expected)
    {
        int length;
        while ((length = _buffer.AsSpan(_start.._end).IndexOf("\r\n\r\n"u8)) < 0)
        {
            if (!TryReceive())
            {
                throw new ChurnException($"the relay ended the connection before its answer '{expected}'");
            }
        }

        var head = Encoding.ASCII.GetString(_buffer.AsSpan(_start, length));
        _start += length + 4;
        if (!head.StartsWith(expected, StringComparison.Ordinal))
        {
            throw new ChurnException($"expected '{expected}', got '{head}'");
        }
    }

    /// <summary>The next frame, valid until the next call; the opcode is -1 when the relay has ended the connection.</summary>
    public int ReadFrame(out ReadOnlySpan<byte> payload)
    {
        payload = default;
        if (!TryHave(2))
        {
            return -1;
        }

        var opcode = _buffer[_start] & 0x0F;
        int length = _buffer[_start + 1];
        var head = 2;
        if (length == 126)
        {
            head = 4;
            length = TryHave(head) ? BinaryPrimitives.ReadUInt16BigEndian(_buffer.AsSpan(_start + 2)) : 0;
        }

        if (!TryHave(head + length))
        {
            throw new ChurnException("the relay ended the connection in the middle of a frame");
        }

        payload = _buffer.AsSpan(_start + head, length);
        _start += head + length;
        return opcode;
    }

    /// <summary>Reads until the relay ends the connection in order.</summary>
    public void ReadToEnd()
    {
        _start = _end = 0;
        while (TryReceive())
        {
            _start = _end = 0;
        }
    }

    /// <summary>Sends no more (FIN), and can still read.</summary>
    public void EndSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes with a TCP reset, which leaves no port behind that waits a minute.</summary>
    public void Reset() => _socket.Close(0);

    public void Dispose() => _socket.Dispose();

    private bool TryHave(int count)
    {
        while (_end - _start < count)
        {
            if (!TryReceive())
            {
                return _end > _start ? throw new ChurnException("the relay ended the connection in the middle of a frame") : false;
            }
        }

        return true;
    }

    private bool TryReceive()
    {
        if (_end == _buffer.Length)
        {
            _buffer.AsSpan(_start.._end).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        var received = _socket.Receive(_buffer.AsSpan(_end));
        _end += received;
        return received > 0;
    }
}
