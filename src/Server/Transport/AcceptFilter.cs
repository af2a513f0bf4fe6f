using Relay.Addresses;
using Relay.Admission;

namespace Relay.Transport;

/// <summary>What is asked of a connection as soon as it is accepted, before a byte of it is read: is there a file for it, does its address flood.</summary>
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
        handshakes.ResetOne();
    }

    /// <summary>Takes a connection in that is allowed.</summary>
    public void Enter(Connection connection, IpKey peer)
    {
        table.Add(connection);
        handshakes.Enter(connection, origins.IsClient(connection.ClientAddress, peer) ? peer : null);
    }

    /// <summary>A proxy has said, to the process before, whose connection it is.</summary>
    public void Identify(Connection connection, IpKey address) => handshakes.Identify(connection, address);

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
