using System.Net;
using System.Net.Sockets;
using System.Text;
using Relay.Native;
using Relay.Transport.Framing;

namespace Relay.Benchmarks.Net;

/// <summary>How far a client has come.</summary>
internal enum LoadStage
{
    Connecting,

    /// <summary>It has its 101.</summary>
    Open,
    Registered,
    Gone,
}

/// <summary>One WebSocket of the load generator. One thread uses it.</summary>
internal sealed class LoadClient : IDisposable
{
    private const int PerAddress = 400;
    private const int MaxMessageBytes = 64 * 1024;

    private static readonly byte[] Request = Encoding.ASCII.GetBytes(RelayUnderLoad.UpgradeRequest);

    private readonly Socket _socket;
    private readonly byte[] _offer;
    private readonly byte[] _answer;
    private readonly int _firstCode;
    private FrameReader _reader = new(FrameRole.Client, MaxMessageBytes);

    /// <summary>Connects, which loopback does at once, and asks for the upgrade.</summary>
    /// <param name="port">The server's.</param>
    /// <param name="number">Its place among the clients: 2n and 2n + 1 are partners.</param>
    /// <param name="exchanges">True: it will register and exchange messages; what it sends is prepared.</param>
    /// <param name="firstCode">Tells the codes of these clients from those of earlier ones, which may be held for them.</param>
    public LoadClient(int port, int number, bool exchanges, int firstCode = 0)
    {
        Number = number;
        _firstCode = firstCode;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        var place = number / PerAddress;
        _socket.Bind(new IPEndPoint(new IPAddress([127, 0, (byte)(3 + (place / 250)), (byte)(1 + (place % 250))]), 0));
        _socket.Connect(IPAddress.Loopback, port);
        _socket.Blocking = false;
        (_offer, _answer) = exchanges ? (Forward("offer"), Forward("answer")) : ([], []);
        Write(Request);
    }

    public int Number { get; }

    public int Descriptor => (int)_socket.Handle;

    public LoadStage Stage { get; private set; }

    /// <summary>When the offer was sent that has no answer yet; 0: none is on its way.</summary>
    public long SentAt { get; private set; }

    /// <summary>Reads what has come, and answers offers.</summary>
    /// <param name="buffer">For this call.</param>
    /// <param name="onAnswer">Told when the answer to an offer came, and when that was sent.</param>
    /// <returns>How many offers and answers came.</returns>
    public int Read(byte[] buffer, Action<LoadClient, long> onAnswer)
    {
        var read = Sockets.Receive(Descriptor, buffer);
        if (read <= 0)
        {
            Stage = read == -Errno.TryAgain ? Stage : LoadStage.Gone;
            return 0;
        }

        var bytes = buffer.AsSpan(0, read);
        if (Stage == LoadStage.Connecting)
        {
            // Both servers send the answer in one piece, and a refusal ends the measurement anyway.
            var end = bytes.IndexOf("\r\n\r\n"u8);
            if (end < 0 || !bytes.StartsWith("HTTP/1.1 101 "u8))
            {
                Stage = LoadStage.Gone;
                return 0;
            }

            Stage = LoadStage.Open;
            bytes = bytes[(end + 4)..];
        }

        return ReadFrames(bytes, onAnswer);
    }

    /// <summary>Takes the code that its partner will send to.</summary>
    public void Register() => Write(Text($$"""{"type":"register","pairingCode":"{{Code(Number)}}","publicKey":"{{Convert.ToBase64String(new byte[32])}}"}"""));

    /// <summary>Sends its partner an offer, which it answers.</summary>
    public void Offer(long now)
    {
        SentAt = now;
        Write(_offer);
    }

    /// <summary>Asks its partner to pair, which accepts.</summary>
    public void RequestPair(long now)
    {
        SentAt = now;
        Write(Text($$"""{"type":"pair_request","targetCode":"{{Code(Number ^ 1)}}"}"""));
    }

    /// <summary>Ends with a reset, which leaves no port behind that waits a minute.</summary>
    public void Dispose()
    {
        _reader.Dispose();
        _socket.Close(0);
    }

    private int ReadFrames(Span<byte> bytes, Action<LoadClient, long> onAnswer)
    {
        var messages = 0;
        while (true)
        {
            var found = _reader.Read(bytes, out var consumed);
            bytes = bytes[consumed..];
            switch (found.Kind)
            {
                case FrameEventKind.None:
                    _reader.Release();
                    return messages;
                case FrameEventKind.Text:
                    messages += Handle(found.Payload, onAnswer) ? 1 : 0;
                    break;
                case FrameEventKind.Close or FrameEventKind.Error:
                    Stage = LoadStage.Gone;
                    return messages;
            }
        }
    }

    // The type is at the beginning of every message.
    private bool Handle(ReadOnlySpan<byte> message, Action<LoadClient, long> onAnswer)
    {
        var type = message[..Math.Min(message.Length, 40)];
        if (type.IndexOf("\"offer\""u8) >= 0)
        {
            Write(_answer);
            return true;
        }

        if (type.IndexOf("\"pair_incoming\""u8) >= 0)
        {
            Write(Text($$"""{"type":"pair_response","targetCode":"{{Code(Number ^ 1)}}","accepted":true}"""));
            return true;
        }

        // Whoever was asked to pair is told of the match as well.
        if (type.IndexOf("\"answer\""u8) >= 0 || (SentAt != 0 && type.IndexOf("\"pair_matched\""u8) >= 0))
        {
            var sentAt = SentAt;
            SentAt = 0;
            onAnswer(this, sentAt);
            return true;
        }

        Stage = type.IndexOf("\"registered\""u8) >= 0 ? LoadStage.Registered : Stage;
        return false;
    }

    private void Write(ReadOnlySpan<byte> bytes) => Stage = Sockets.Send(Descriptor, bytes) == bytes.Length ? Stage : LoadStage.Gone;

    private byte[] Forward(string type) =>
        Text($$$"""{"type":"{{{type}}}","target":"{{{Code(Number ^ 1)}}}","payload":{"sdp":"{{{new string('v', 200)}}}"}}""");

    private static byte[] Text(string text)
    {
        var payload = Encoding.UTF8.GetBytes(text);
        var frame = new byte[FrameWriter.HeadBytes(payload.Length, FrameRole.Client) + payload.Length];
        FrameWriter.Write(frame, FrameOpcode.Text, payload, FrameRole.Client);
        return frame;
    }

    // Six letters of the alphabet of codes.
    private string Code(int number) => string.Create(6, _firstCode + number, static (code, value) =>
    {
        for (var i = 0; i < code.Length; i++, value /= 20)
        {
            code[i] = "ABCDEFGHJKLMNPQRSTUV"[value % 20];
        }
    });
}
