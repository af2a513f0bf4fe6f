using Relay.Protocol;
using Relay.Scheduling;

namespace Relay.Federation;

/// <summary>Closes sockets that have not authenticated in time. There are never more than a few.</summary>
internal sealed class HandshakeDeadline(PeerTable peers, FederationOptions options, PeerCounts counts, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private readonly SweepClock _clock = new(time);

    public void Sweep()
    {
        _clock.Begin();
        foreach (var link in peers.Pending())
        {
            if (link.Session is { IsClosing: false } session && _clock.Elapsed(link.EnteredAt) >= options.HandshakeTimeout)
            {
                session.Close(CloseReason.HandshakeTimeout);
                counts.Refused(CloseReason.HandshakeTimeout);
            }
        }
    }
}
