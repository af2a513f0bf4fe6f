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

    /// <summary>Whether a connection that was just accepted may stay; false: close it.</summary>
    public bool Allows(ClientAddressRule clientAddress, IpKey peer)
    {
        if (table.Count >= files.Max)
        {
            RejectForFiles();
            return false;
        }

        return !origins.IsClient(clientAddress, peer) || !gate.TryRejectEarly(peer);
    }

    /// <summary>The system had no descriptor left for a connection, which is closed.</summary>
    public void RejectForFiles()
    {
        files.Reject();
        handshakes.ResetOldest();
    }

    /// <summary>Takes a connection in that is allowed; false: its address has too many unfinished ones, close it.</summary>
    public bool TryEnter(Connection connection, IpKey peer)
    {
        var isClient = origins.IsClient(connection.ClientAddress, peer);
        table.Add(connection);
        if (handshakes.TryEnter(connection, isClient ? peer : null))
        {
            return true;
        }

        table.Remove(connection);
        if (isClient)
        {
            gate.RecordViolation(peer);
        }

        return false;
    }

    /// <summary>Another object carries the connection from now on; false: its handshake has been reset meanwhile.</summary>
    public bool TryReplace(Connection connection, Connection successor)
    {
        table.Add(successor);
        if (handshakes.TryTransfer(connection, successor))
        {
            return true;
        }

        table.Remove(successor);
        return false;
    }
}
