namespace Relay.Signaling;

/// <summary>Warns of requests to pair and expires them, and those to link.</summary>
internal sealed class RequestDeadline(PendingRequests pending, PairingHandler pairing, LinkHandler links)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    public void Sweep()
    {
        while (pending.TakeExpiring() is { } request)
        {
            pairing.Warn(request);
        }

        while (pending.TakeExpired() is { } request)
        {
            if (request.Kind == RequestKind.Pair)
            {
                PairingHandler.Expire(request);
            }
            else
            {
                links.Expire(request);
            }
        }
    }
}
