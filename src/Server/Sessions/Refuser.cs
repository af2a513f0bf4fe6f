using Relay.Admission;
using Relay.Policy;
using Relay.Transport;
using Relay.Transport.Framing;

namespace Relay.Sessions;

/// <summary>
/// Says no in words. On the level calm: the upgrade and then a close frame that browsers can read, with the connection cut a
/// second later whatever the client does. Above it, by setting, or when too many refused sockets are still closing: a status
/// before the upgrade. Who is to be cut without a word and is here nevertheless came through a proxy, which would take that
/// for a failure of the relay.
/// </summary>
internal sealed class Refuser(AdmissionOptions options, OverloadMonitor overload)
{
    private static readonly byte[][] CloseFrames = BuildCloseFrames();

    // Atomic.
    private int _closing;

    public UpgradeOutcome Refuse(Connection connection, Decision decision)
    {
        var refusal = decision.Refusal;
        if (decision.OverloadLevel == OverloadLevel.Normal && options.RefuseWith == RefuseWith.Close && refusal is not (Refusal.Stopping or Refusal.Draining))
        {
            if (Interlocked.Increment(ref _closing) <= options.MaxClosingRefusals)
            {
                overload.CountRejection(RejectionMode.CloseFrame);
                return new UpgradeOutcome(null, new RefusedConnection(connection, CloseFrames[(int)refusal], Closed));
            }

            Closed();
        }

        overload.CountRejection(RejectionMode.HttpStatus);
        var wait = decision.Wait > options.RetryAfter ? decision.Wait : options.RetryAfter;
        return HttpAnswer.RetryLater(RefusalReasons.Status(refusal), RefusalReasons.Reason(refusal), wait);
    }

    private void Closed() => Interlocked.Decrement(ref _closing);

    private static byte[][] BuildCloseFrames()
    {
        var frames = new byte[Enum.GetValues<Refusal>().Length][];
        foreach (var refusal in Enum.GetValues<Refusal>().Where(refusal => refusal != Refusal.None))
        {
            var frame = new byte[FrameWriter.MaxControlBytes];
            var length = FrameWriter.WriteClose(frame, (ushort)RefusalReasons.CloseCode(refusal), RefusalReasons.Reason(refusal), FrameRole.Server);
            frames[(int)refusal] = frame[..length];
        }

        return frames;
    }
}
