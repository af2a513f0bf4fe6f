using Relay.Protocol;

namespace Relay.Federation;

/// <summary>Closes sockets that have not authenticated in time. There are never more than a few.</summary>
internal sealed class HandshakeDeadline(PeerTable peers, FederationOptions options, PeerCounts counts, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    public void Sweep()
    {
        foreach (var link in peers.Pending())
        {
            if (link.Session is { IsClosing: false } session && time.GetElapsedTime(link.EnteredAt) >= options.HandshakeTimeout)
            {
                session.Close(CloseReason.HandshakeTimeout);
                counts.Refused(CloseReason.HandshakeTimeout);
            }
        }
    }
}
