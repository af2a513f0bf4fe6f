using System.Globalization;
using System.Text;
using Relay.Admission;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// What a client that is rejected after its upgrade is sent: the close frame, and before it, where the operator wants that, a message that says in
/// how many seconds it may come back. A page in a browser cannot read Retry-After, and the close frame's reason is what clients match on. All exist
/// already: a refusal allocates nothing.
/// </summary>
internal sealed class LastWords
{
    // Of the shortest wait, doubled so often: from 5 s to an hour and a half.
    private const int Waits = 11;

    private readonly int _seconds;
    private readonly byte[][][] _frames = new byte[Rejections.Count][][];

    /// <param name="shortest">The wait of whoever need not wait longer.</param>
    /// <param name="hasHint">Whether there is a message before the close frame.</param>
    public LastWords(TimeSpan shortest, bool hasHint)
    {
        _seconds = Math.Max(1, (int)Math.Ceiling(shortest.TotalSeconds));
        foreach (var row in Rejections.All)
        {
            _frames[(int)row.Reason] = hasHint && !row.IsFinal
                ? [.. Enumerable.Range(0, Waits).Select(doublings => (byte[])[.. Hint(_seconds << doublings), .. CloseFrame(row)])]
                : [CloseFrame(row)];
        }
    }

    /// <summary>The frames for a reason, with the next longer of a few waits.</summary>
    public ReadOnlyMemory<byte> Of(Refusal refusal, TimeSpan wait)
    {
        var frames = _frames[(int)refusal];
        var doublings = 0;
        while (doublings < frames.Length - 1 && _seconds << doublings < wait.TotalSeconds)
        {
            doublings++;
        }

        return frames[doublings];
    }

    private static byte[] Hint(int seconds)
    {
        var message = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"type":"retry_after","seconds":{{seconds}}}"""));
        var frame = new byte[FrameWriter.MaxControlBytes];
        return frame[..FrameWriter.Write(frame, FrameOpcode.Text, message, FrameRole.Server)];
    }

    private static byte[] CloseFrame(Rejection row)
    {
        var frame = new byte[FrameWriter.MaxControlBytes];
        return frame[..FrameWriter.WriteClose(frame, row.CloseCode, row.Text, FrameRole.Server)];
    }
}
