using System.Net;
using Microsoft.AspNetCore.Connections;
using Relay.Addresses;
using Relay.Admission;

namespace Relay.Listening;

/// <summary>What is asked of a connection as soon as it is accepted, before a byte of it is read: is there a file for it, does its address flood, has it too many that are not finished.</summary>
internal sealed class FrontDoor(ConnectionTable table, FileReserve files, HandshakeGuard handshakes, OriginResolver origins, AdmissionGate gate)
{
    /// <summary>Takes what the relay itself has open, before it listens.</summary>
    public void Measure()
    {
        files.Measure(OpenFiles.Limit, OpenFiles.Count());
        handshakes.FitInto(files.Most);
    }

    /// <summary>The connection, wrapped and in the table; null: close it.</summary>
    public TrackedConnection? TryEnter(ConnectionContext connection, AttributionRule attribution)
    {
        if (table.Count >= files.Most)
        {
            files.TurnAway();
            handshakes.CutOldest();
            return null;
        }

        var peer = connection.RemoteEndPoint is IPEndPoint endPoint ? IpKey.From(endPoint.Address) : IpKey.Unattributed;
        var isClient = origins.IsClient(attribution, peer);
        if (isClient && gate.IsCut(peer))
        {
            return null;
        }

        var tracked = new TrackedConnection(connection, table) { Attribution = attribution };
        if (handshakes.TryEnter(tracked, isClient ? peer : null))
        {
            return tracked;
        }

        table.Remove(tracked);
        if (isClient)
        {
            gate.Strike(peer);
        }

        return null;
    }
}
