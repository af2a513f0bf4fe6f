using System.Net;
using Microsoft.AspNetCore.Connections;
using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport;

/// <summary>What is asked of a connection as soon as it is accepted, before a byte of it is read: is there a file for it, does its address flood, has it too many that are not finished.</summary>
internal sealed class AcceptFilter(ConnectionTable table, FileDescriptorBudget files, HandshakeGuard handshakes, ClientAddressResolver origins, AdmissionGate gate)
{
    /// <summary>Takes what the relay itself has open, before it listens.</summary>
    public void Measure()
    {
        files.Measure(OpenFiles.Limit, OpenFiles.Count());
        handshakes.FitInto(files.Max);
    }

    /// <summary>The connection, wrapped and in the table; null: close it.</summary>
    public TrackedConnection? TryEnter(ConnectionContext connection, ClientAddressRule clientAddress)
    {
        if (table.Count >= files.Max)
        {
            files.Reject();
            handshakes.ResetOldest();
            return null;
        }

        var peer = connection.RemoteEndPoint is IPEndPoint endPoint ? IpKey.From(endPoint.Address) : IpKey.Unresolved;
        var isClient = origins.IsClient(clientAddress, peer);
        if (isClient && gate.TryRejectEarly(peer))
        {
            return null;
        }

        var tracked = new TrackedConnection(connection, table) { ClientAddress = clientAddress };
        if (handshakes.TryEnter(tracked, isClient ? peer : null))
        {
            return tracked;
        }

        table.Remove(tracked);
        if (isClient)
        {
            gate.RecordViolation(peer);
        }

        return null;
    }
}
