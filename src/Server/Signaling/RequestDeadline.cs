using Relay.Scheduling;

namespace Relay.Signaling;

/// <summary>Warns of requests to pair and expires them, and those to link.</summary>
internal sealed class RequestDeadline(PendingRequests pending, PairingHandler pairing, LinkHandler links, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private readonly SweepClock _clock = new(time);

    public void Sweep()
    {
        // After a stall answers wait in the sockets that came in time.
        _clock.Begin();
        if (_clock.IsLate)
        {
            return;
        }

        while (pending.TakeExpiring() is { } request)
        {
            pairing.Warn(request);
        }

        while (pending.TakeExpired() is { } request)
        {
            if (request.Kind == RequestKind.Pair)
            {
                pairing.Expire(request);
            }
            else
            {
                links.Expire(request);
            }
        }
    }
}
