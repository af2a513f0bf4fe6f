using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Relay.Benchmarks.Hostile.Honest;

namespace Relay.Benchmarks.Hostile;

/// <summary>
/// An attacker's connection: it connects and upgrades on a blocking socket; from then on it never waits. What it sends is queued
/// and goes out as far as the relay reads; what comes is read only when somebody asks.
/// </summary>
internal sealed class AttackSocket : IDisposable
{
    // Who is not served at once tries elsewhere.
    private const int PatienceMilliseconds = 2000;

    private readonly Socket _socket;
    private readonly Queue<ReadOnlyMemory<byte>> _queue = [];
    private byte[] _received = new byte[4096];
    private int _count;
    private int _sentOfFirst;

    private AttackSocket(Socket socket) => _socket = socket;

    /// <summary>The relay has ended the connection, by close frame, end or reset.</summary>
    public bool IsClosed { get; private set; }

    /// <summary>Code and reason of the relay's close frame; empty without one.</summary>
    public string CloseReason { get; private set; } = "";

    /// <summary>All that was queued has been handed to the system.</summary>
    public bool IsSent => _queue.Count == 0;

    /// <summary>Bytes of everything that was read.</summary>
    public long BytesRead { get; private set; }

    /// <summary>Connects; null where that failed.</summary>
    /// <param name="from">A loopback address.</param>
    /// <param name="port">Of the relay.</param>
    /// <param name="receiveBytes">Of the system's receive buffer; 0: as the system likes.</param>
    public static AttackSocket? TryConnect(IPAddress from, int port, int receiveBytes = 0)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
        {
            NoDelay = true,
            SendTimeout = PatienceMilliseconds,
            ReceiveTimeout = PatienceMilliseconds,

            // A reset leaves no port behind that waits a minute.
            LingerState = new LingerOption(enable: true, seconds: 0),
        };
        if (receiveBytes > 0)
        {
            socket.ReceiveBufferSize = receiveBytes;
        }

        try
        {
            socket.Bind(new IPEndPoint(from, 0));
            socket.Connect(IPAddress.Loopback, port);
            return new AttackSocket(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
    }

    /// <summary>One text frame; the mask is zero, so the payload stands as it is.</summary>
    public static byte[] Frame(ReadOnlySpan<byte> payload, int first = 0x81) => [.. FrameHead(payload.Length, first), .. payload];

    public static byte[] Frame(string text) => Frame(Encoding.UTF8.GetBytes(text));

    /// <summary>A frame's head alone, for a payload of so many bytes.</summary>
    public static byte[] FrameHead(int length, int first = 0x81)
    {
        byte[] size = length switch
        {
            < 126 => [(byte)(0x80 | length)],
            < 65536 => [0x80 | 126, (byte)(length >> 8), (byte)length],
            _ => [0x80 | 127, 0, 0, 0, 0, (byte)(length >> 24), (byte)(length >> 16), (byte)(length >> 8), (byte)length],
        };
        return [(byte)first, .. size, 0, 0, 0, 0];
    }

    /// <summary>Sends a request, waits for the head of the answer and gives its first line; empty without an answer.</summary>
    public string Ask(ReadOnlySpan<byte> request, bool isLast = false)
    {
        try
        {
            for (var rest = request; !rest.IsEmpty;)
            {
                rest = rest[_socket.Send(rest)..];
            }

            if (isLast)
            {
                _socket.Shutdown(SocketShutdown.Send);
            }

            int end;
            while ((end = _received.AsSpan(0, _count).IndexOf("\r\n\r\n"u8)) < 0)
            {
                if (_count == _received.Length || _socket.Receive(_received.AsSpan(_count)) is not (> 0 and var read))
                {
                    IsClosed = true;
                    return "";
                }

                _count += read;
            }

            var head = Encoding.Latin1.GetString(_received, 0, end);
            Drop(end + 4);
            return head.Split('\r')[0];
        }
        catch (SocketException)
        {
            IsClosed = true;
            return "";
        }
    }

    /// <summary>Upgrades, and stops waiting from here on.</summary>
    public bool TryUpgrade(string path = "/", string preface = "")
    {
        var request = preface + RelayUnderLoad.UpgradeRequest.Replace("GET / ", $"GET {path} ", StringComparison.Ordinal);
        var isUpgraded = Ask(Encoding.Latin1.GetBytes(request)).StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal);
        NeverWait();
        return isUpgraded;
    }

    public void NeverWait()
    {
        try
        {
            _socket.Blocking = false;
        }
        catch (SocketException)
        {
            IsClosed = true;
        }
    }

    public void Queue(ReadOnlyMemory<byte> bytes) => _queue.Enqueue(bytes);

    public void Queue(string text) => Queue(Frame(text));

    /// <summary>Sends as much of what is queued as the system takes; the bytes that it took.</summary>
    public long Pump()
    {
        var total = 0L;
        while (!IsClosed && _queue.TryPeek(out var next))
        {
            var sent = _socket.Send(next.Span[_sentOfFirst..], SocketFlags.None, out var error);
            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                IsClosed = true;
            }

            if (error != SocketError.Success)
            {
                break;
            }

            total += sent;
            _sentOfFirst += sent;
            if (_sentOfFirst < next.Length)
            {
                break;
            }

            _queue.Dequeue();
            _sentOfFirst = 0;
        }

        return total;
    }

    /// <summary>The next text that has come; false when there is none yet. Pings are answered, a close frame is kept.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxBytes">How much to take from the system before looking.</param>
    public bool TryRead(out string text, int maxBytes = int.MaxValue)
    {
        while (true)
        {
            if (TakeFrame(out var opcode, out var payload))
            {
                text = opcode == 1 ? Encoding.UTF8.GetString(payload) : "";
                switch (opcode)
                {
                    case 1:
                        return true;
                    case 8:
                        CloseReason = payload.Length < 2
                            ? "no code"
                            : $"{BinaryPrimitives.ReadUInt16BigEndian(payload)} {Encoding.UTF8.GetString(payload.AsSpan(2))}";
                        IsClosed = true;
                        return false;
                    case 9:
                        Queue(Frame(payload, 0x8A));
                        Pump();
                        break;
                }

                continue;
            }

            text = "";
            if (!TryReceive(ref maxBytes))
            {
                return false;
            }
        }
    }

    /// <summary>Reads and forgets what has come; how many texts that were.</summary>
    public int Drain()
    {
        var texts = 0;
        while (TryRead(out _))
        {
            texts++;
        }

        return texts;
    }

    /// <summary>Waits for a text that contains this, as long as honest clients wait; null when none comes.</summary>
    public string? Await(string part, string orPart = "\0")
    {
        for (var begun = Stopwatch.GetTimestamp(); !IsClosed && Stopwatch.GetElapsedTime(begun) < HonestClient.Patience; _socket.Poll(10_000, SelectMode.SelectRead))
        {
            Pump();
            while (TryRead(out var text))
            {
                if (text.Contains(part, StringComparison.Ordinal) || text.Contains(orPart, StringComparison.Ordinal))
                {
                    return text;
                }
            }
        }

        return null;
    }

    public void Dispose() => _socket.Dispose();

    private bool TakeFrame(out int opcode, out byte[] payload)
    {
        (opcode, payload) = (-1, []);
        var head = _count < 2 ? 2 : (_received[1] & 0x7F) switch { 127 => 10, 126 => 4, _ => 2 };
        if (_count < head)
        {
            return false;
        }

        var length = head switch
        {
            10 => (int)BinaryPrimitives.ReadUInt64BigEndian(_received.AsSpan(2)),
            4 => BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(2)),
            _ => _received[1] & 0x7F,
        };
        if (_count < head + length)
        {
            if (_received.Length < head + length)
            {
                Array.Resize(ref _received, head + length);
            }

            return false;
        }

        opcode = _received[0] & 0x0F;
        payload = _received.AsSpan(head, length).ToArray();
        Drop(head + length);
        return true;
    }

    private bool TryReceive(ref int maxBytes)
    {
        if (_count == _received.Length)
        {
            Array.Resize(ref _received, 2 * _count);
        }

        var want = Math.Min(maxBytes, _received.Length - _count);
        if (IsClosed || want == 0)
        {
            return false;
        }

        var read = _socket.Receive(_received.AsSpan(_count, want), SocketFlags.None, out var error);
        IsClosed |= read == 0 && error != SocketError.WouldBlock;
        _count += read;
        maxBytes -= read;
        BytesRead += read;
        return read > 0;
    }

    private void Drop(int count)
    {
        _received.AsSpan(count.._count).CopyTo(_received);
        _count -= count;
    }
}
