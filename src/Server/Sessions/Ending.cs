using Relay.Protocol;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// Why a session ends and the close frame that says so. One object, so that whoever wins with the reason also decides on
/// the frame. For the reasons of the table they exist already: closing allocates nothing.
/// </summary>
internal sealed class Ending
{
    private static readonly Ending[] ByReason = [.. CloseReasons.All.Select(row => new Ending(row.Reason, row.Code, row.Text))];

    /// <param name="reason">Why.</param>
    /// <param name="code">The code of the close frame; 0: there is none. <see cref="CloseCodes.None"/>: a frame without a code.</param>
    /// <param name="text">The reason that the close frame gives.</param>
    public Ending(CloseReason reason, ushort code, string text)
    {
        Reason = reason;
        if (code != 0)
        {
            Span<byte> frame = stackalloc byte[FrameWriter.MaxControlBytes];
            Frame = frame[..FrameWriter.WriteClose(frame, code, text, FrameRole.Server)].ToArray();
        }
    }

    public CloseReason Reason { get; }

    /// <summary>The close frame; empty: none is sent.</summary>
    public ReadOnlyMemory<byte> Frame { get; }

    /// <summary>The reason with the close frame that the table has for it.</summary>
    public static Ending Of(CloseReason reason) => ByReason[(int)reason];
}
