using System.Text;
using Relay.Protocol;
using Relay.Sessions;
using Relay.Transport.Framing;

namespace Relay.Federation;

/// <summary>How a link or an attempt at one has ended, for operators and for the next attempt.</summary>
internal static class LastWords
{
    private static readonly CloseReason[] Refusals =
    [
        CloseReason.HandshakeInvalid, CloseReason.HandshakeStale, CloseReason.HandshakeAudience, CloseReason.ServerNotListed,
        CloseReason.ServerMismatch, CloseReason.ServerBlocked,
    ];

    /// <summary>In a few words; text of the peer's own without control characters.</summary>
    public static string Of(Ending ending)
    {
        if (ending.Reason != CloseReason.PeerClosed)
        {
            var row = CloseReasons.Of(ending.Reason);
            return row.Text.Length > 0 ? $"we closed: {row.Text}" : ending.Reason == CloseReason.PeerGone ? "the connection broke" : row.Label;
        }

        return CodeOf(ending) is var (code, text) && text.Length > 0 ? $"it closed with {code}: {text}" : $"it closed with {code}";
    }

    /// <summary>What an attempt has come to.</summary>
    public static DialEnd EndOf(Session session, PeerLink link) =>
        link.Peer is not null ? DialEnd.Linked
        : Array.IndexOf(Refusals, session.CloseReason) >= 0 || (session.CloseReason == CloseReason.PeerClosed && CodeOf(session.Ending!).Code is 1008 or 4001)
            ? DialEnd.Refused
            : DialEnd.Failed;

    private static (ushort Code, string Text) CodeOf(Ending ending)
    {
        // A frame of ours: two bytes of header, then the payload.
        var payload = ending.Frame.Span is { Length: > 2 } frame ? frame[2..] : default;
        return CloseFrame.Read(payload, out var code) == FrameError.None && payload.Length > CloseFrame.CodeBytes
            ? (code, new string([.. Encoding.UTF8.GetString(payload[CloseFrame.CodeBytes..]).Where(letter => !char.IsControl(letter))]))
            : (code, "");
    }
}
