using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Relay.Benchmarks.Churn;

/// <summary>Connections of one thread, each of which ends at another stage of its life.</summary>
internal sealed class ChurnStages
{
    public const string Request =
        "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";

    private const int Addresses = 64;

    // One in so many is one of those that cost the relay a disk, Kestrel or a full queue.
    private const int CostlyInterval = 60;

    private const int SmallBuffer = 4096;

    private static readonly byte[] RequestBytes = Encoding.ASCII.GetBytes(Request);
    private static readonly byte[] BadRequest = Encoding.ASCII.GetBytes(Request.Replace("Version: 13", "Version: 12", StringComparison.Ordinal));
    private static readonly byte[] Page = "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray();
    private static readonly byte[] Close = [0x88, 0x82, 0, 0, 0, 0, 0x03, 0xE8];

    // A reserved bit.
    private static readonly byte[] Violation = [0xC1, 0x80, 0, 0, 0, 0];

    private readonly int _number;
    private readonly int _port;
    private readonly ChurnCodes _codes;
    private readonly Stage[] _common;
    private readonly Stage[] _costly;
    private readonly byte[] _buffer = new byte[32 * 1024];
    private int _connects;

    public ChurnStages(int number, int port, ChurnCodes codes)
    {
        (_number, _port, _codes) = (number, port, codes);
        _common =
        [
            new("connected", check => AfterBytes([], check)),
            new("half a head", check => AfterBytes(RequestBytes.AsSpan(0, 40), check)),
            new("head", check => AfterBytes(RequestBytes, check)),
            new("upgraded", Upgraded),
            new("head of a frame", check => InAFrame([0x81, 0x90, 0], check)),
            new("frame", check => InAFrame(ChurnSocket.Frame(0x81, "{\"type\":\"ping\"}").AsSpan(0, 12), check)),
            new("between fragments", check => InAFrame(ChurnSocket.Frame(0x01, "{"), check)),
            new("registered", JustRegistered),
            new("being sent to", BeingSentTo),
            new("closing", InTheGrace),
            new("close handshake", CloseHandshake),
            new("half-close", HalfClosed),
            new("half-close while closing", HalfClosedInTheGrace),
            new("rejected", Rejected),
        ];
        _costly = [new("waiting for the disk", WaitingForTheDisk), new("on the way to Kestrel", OnTheWayToKestrel), new("queue waiting", QueueWaiting)];
    }

    /// <summary>Frames that named the client that they came to.</summary>
    public long Proven { get; private set; }

    public void Next()
    {
        var next = _connects++;
        var check = new FrameCheck(_codes.New());
        var stage = next % CostlyInterval == CostlyInterval - 1
            ? _costly[next / CostlyInterval % _costly.Length]
            : _common[(next + _number) % _common.Length];
        try
        {
            stage.Run(check);
        }
        catch (Exception exception) when (exception is SocketException or ChurnException)
        {
            throw new ChurnException($"{stage.Name}: {exception.Message}");
        }

        Proven += check.Proven;
    }

    private ChurnSocket Connect(int receiveBytes = 0) =>
        new(new IPAddress([127, 1, (byte)_number, (byte)(1 + (_connects % Addresses))]), _port, _buffer, receiveBytes);

    private ChurnSocket Register(FrameCheck check, int receiveBytes = 0)
    {
        var socket = Connect(receiveBytes);
        socket.Register(check.Code, check);
        _codes.Show(_number, check.Code);
        return socket;
    }

    private void AfterBytes(ReadOnlySpan<byte> bytes, FrameCheck check)
    {
        using var socket = Connect();
        socket.Send(bytes);
        socket.Reset();
    }

    private void Upgraded(FrameCheck check)
    {
        using var socket = Connect();
        socket.Upgrade();
        Expect(FrameKind.Greeting, socket, check);
        socket.Reset();
    }

    private void InAFrame(ReadOnlySpan<byte> bytes, FrameCheck check)
    {
        using var socket = Connect();
        socket.Upgrade();
        socket.Send(bytes);
        socket.Reset();
    }

    private void JustRegistered(FrameCheck check)
    {
        using var socket = Register(check);
        socket.Reset();
    }

    // Others' offers come to it, and more are on their way when it goes.
    private void BeingSentTo(FrameCheck check)
    {
        using var socket = Register(check);
        Expect(FrameKind.Offer, socket, check);
        socket.Send(ChurnSocket.Frame(0x89, check.Code));
        Expect(FrameKind.Pong, socket, check);
        socket.Reset();
    }

    private void InTheGrace(FrameCheck check)
    {
        using var socket = Register(check);
        socket.Send(Violation);
        Expect(FrameKind.Close, socket, check);
        socket.Reset();
    }

    private void CloseHandshake(FrameCheck check)
    {
        using var socket = Register(check);
        socket.Send(Close);
        Expect(FrameKind.Close, socket, check);
        Expect(FrameKind.End, socket, check);
    }

    private void HalfClosed(FrameCheck check)
    {
        using var socket = Register(check);
        socket.EndSending();
        Expect(FrameKind.End, socket, check);
    }

    private void HalfClosedInTheGrace(FrameCheck check)
    {
        using var socket = Register(check);
        socket.Send(Violation);
        socket.EndSending();

        // Whether the close frame still comes depends on who is faster.
        if (Expect(FrameKind.Close, FrameKind.End, socket, check) == FrameKind.Close)
        {
            Expect(FrameKind.End, socket, check);
        }
    }

    private void Rejected(FrameCheck check)
    {
        using var socket = Connect();
        socket.Send(BadRequest);
        socket.ReadHead("HTTP/1.1 400 ");
        if (_connects % 2 == 0)
        {
            socket.ReadToEnd();
        }

        socket.Reset();
    }

    private void WaitingForTheDisk(FrameCheck check)
    {
        using var socket = Register(check);
        socket.SendText($$"""{"type":"register_rendezvous","dailyPoints":["{{check.Code}}"],"hourlyTokens":["{{check.Code}}"],"deadDrops":{"{{check.Code}}":"x"} }""");
        socket.Send(ChurnSocket.Frame(0x89, check.Code));
        if (_connects % 2 == 0)
        {
            Expect(FrameKind.Rendezvous, socket, check);
        }

        socket.Reset();
    }

    private void OnTheWayToKestrel(FrameCheck check)
    {
        using var socket = Connect();
        socket.Send(Page);
        if (_connects % 2 == 0)
        {
            socket.ReadHead("HTTP/1.1 200 ");
        }

        socket.Reset();
    }

    // Its own pongs fill the way to it, until the relay stops reading. Others' offers come on top: whoever
    // sends too many is told that it is busy.
    private void QueueWaiting(FrameCheck check)
    {
        using var socket = Register(check, SmallBuffer);
        try
        {
            socket.SendUntilStuck(Enumerable.Repeat(ChurnSocket.Frame(0x89, check.Code + new string('x', 100)), 100).SelectMany(frame => frame).ToArray());
            if (_connects % 2 == 0)
            {
                Expect(FrameKind.Pong, socket, check);
            }
        }
        catch (SocketException exception) when (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            // Too slow.
        }

        socket.Reset();
    }

    // Offers of others, which come at any time, are read over; every other kind must be an expected one.
    private static void Expect(FrameKind expected, ChurnSocket socket, FrameCheck check) => Expect(expected, expected, socket, check);

    private static FrameKind Expect(FrameKind expected, FrameKind other, ChurnSocket socket, FrameCheck check)
    {
        FrameKind kind;
        while ((kind = check.Next(socket)) != expected && kind != other)
        {
            if (kind is not (FrameKind.Offer or FrameKind.Ping or FrameKind.Pong or FrameKind.Greeting))
            {
                throw new ChurnException($"expected {expected}, got {kind}");
            }
        }

        return kind;
    }

    private sealed record Stage(string Name, Action<FrameCheck> Run);
}
