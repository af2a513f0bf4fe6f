using System.Collections.Concurrent;
using Relay.Admission;
using Relay.Policy;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// Rejects clients. On the overload level normal: the upgrade and then a close frame, which browsers can read, with the connection
/// reset a second later whatever the client does. Above that level, by setting, or when too many refused clients are still closing: an
/// HTTP status before the upgrade. A client that would be reset and is here nevertheless came through a proxy, which would take a
/// reset for a failure of the relay.
/// </summary>
internal sealed class Refuser(AdmissionOptions options, OverloadMonitor overload, int maxClosing = Refuser.MaxClosing)
{
    /// <summary>Rejected connections that may wait for the end of their close handshake at once; each costs a connection for up to a second. Those above it get a status instead.</summary>
    public const int MaxClosing = 1_000;

    private static readonly byte[][] CloseFrames = BuildCloseFrames();

    // As many as there were at once, at most the bound.
    private readonly ConcurrentQueue<RefusedConnection> _idle = [];

    // Atomic.
    private int _closing;

    public UpgradeOutcome Refuse(Connection connection, Decision decision)
    {
        var refusal = decision.Refusal;
        if (Rejections.ModeOf(refusal, decision.OverloadLevel, options.RejectionMode) == RejectionMode.CloseFrame)
        {
            if (Interlocked.Increment(ref _closing) <= maxClosing)
            {
                overload.CountRejection(RejectionMode.CloseFrame);
                var refused = _idle.TryDequeue(out var used) ? used : new RefusedConnection(this);
                refused.Begin(connection, CloseFrames[(int)refusal]);
                return new UpgradeOutcome(null, refused);
            }

            Interlocked.Decrement(ref _closing);
        }

        overload.CountRejection(RejectionMode.HttpStatus);
        var wait = decision.Wait > options.RetryAfter ? decision.Wait : options.RetryAfter;
        return HttpAnswer.RetryLater(Rejections.Of(refusal).Status, Rejections.Of(refusal).Text, wait);
    }

    /// <summary>The connection of a refused client is over.</summary>
    public void End(RefusedConnection refused)
    {
        _idle.Enqueue(refused);
        Interlocked.Decrement(ref _closing);
    }

    private static byte[][] BuildCloseFrames()
    {
        var frames = new byte[Rejections.Count][];
        foreach (var row in Rejections.All)
        {
            var frame = new byte[FrameWriter.MaxControlBytes];
            var length = FrameWriter.WriteClose(frame, row.CloseCode, row.Text, FrameRole.Server);
            frames[(int)row.Reason] = frame[..length];
        }

        return frames;
    }
}
