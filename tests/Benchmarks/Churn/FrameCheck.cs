using System.Text;

namespace Relay.Benchmarks.Churn;

/// <summary>Something that the relay should not have done.</summary>
internal sealed class ChurnException(string text) : Exception(text);

/// <summary>What a client got.</summary>
internal enum FrameKind
{
    /// <summary>The relay has ended the connection.</summary>
    End,
    Greeting,
    Registered,
    Offer,
    Ping,
    Pong,
    Error,

    /// <summary>The error that does not name whom it is about: too much of one's own waits for them.</summary>
    Busy,
    Rendezvous,
    Close,
}

/// <summary>
/// Whose frames are these? Whatever is sent to a socket of this test names the code of the client that it is meant for, and no code is
/// used twice: a frame that names another has reached a wrong socket.
/// </summary>
/// <param name="code">The client's own code.</param>
internal sealed class FrameCheck(string code)
{
    private static readonly (string Start, FrameKind Kind)[] Types =
    [
        ("""{"type":"server_info",""", FrameKind.Greeting),
        ("""{"type":"server_identity",""", FrameKind.Greeting),
        ("""{"type":"registered",""", FrameKind.Registered),
        ("""{"type":"offer",""", FrameKind.Offer),
        ("""{"type":"error","message":"Target is busy",""", FrameKind.Busy),
        ("""{"type":"error",""", FrameKind.Error),
        ("""{"type":"rendezvous_result",""", FrameKind.Rendezvous),
    ];

    public string Code => code;

    /// <summary>What an offer or a pong said after the code; an error, the code of whom it did not find.</summary>
    public string Detail { get; private set; } = "";

    /// <summary>Frames that named this client.</summary>
    public int Proven { get; private set; }

    /// <summary>Reads the next frame, and throws when it is not for this client.</summary>
    public FrameKind Next(ChurnSocket socket)
    {
        var opcode = socket.ReadFrame(out var payload);
        Detail = "";
        switch (opcode)
        {
            case -1:
                return FrameKind.End;
            case 8:
                return FrameKind.Close;
            case 9 when payload.IsEmpty:
                return FrameKind.Ping;
            case 10:
                Take(Encoding.ASCII.GetString(payload), "");
                return FrameKind.Pong;
            case 1:
                return Text(Encoding.ASCII.GetString(payload));
            default:
                throw new ChurnException($"{code} got a frame with opcode {opcode}");
        }
    }

    private FrameKind Text(string text)
    {
        var kind = Array.Find(Types, type => text.StartsWith(type.Start, StringComparison.Ordinal)).Kind;
        switch (kind)
        {
            case FrameKind.End:
                throw new ChurnException($"{code} got {text}");
            case FrameKind.Offer:
                Take(text, "\"payload\":\"");
                break;
            case FrameKind.Registered:
                Take(text, "\"pairingCode\":\"");
                break;
            case FrameKind.Error:
                const string NotFound = "\"message\":\"Peer not found: ";
                var start = text.IndexOf(NotFound, StringComparison.Ordinal);
                Detail = start > 0 ? text.Substring(start + NotFound.Length, code.Length) : throw new ChurnException($"{code} got {text}");
                break;
        }

        return kind;
    }

    private void Take(string text, string before)
    {
        var start = text.IndexOf(before + code, StringComparison.Ordinal);
        if (start < 0 || (before.Length == 0 && start > 0))
        {
            throw new ChurnException($"WRONG SOCKET: {code} got {text}");
        }

        Proven++;
        Detail = text[(start + before.Length + code.Length)..].TrimEnd('"', '}');
    }
}
