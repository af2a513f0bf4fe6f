using Relay.Clients;

namespace Relay.Signaling;

/// <summary>A client of another relay of the cluster, by the start of that relay and its session there.</summary>
internal sealed class RemoteClient(ulong epoch, long session) : Party, IEquatable<RemoteClient>
{
    public ulong Epoch => epoch;

    public long Session => session;

    /// <summary>Its relay says that it has left only after everything else of it.</summary>
    public override bool HasLeft => false;

    public bool Equals(RemoteClient? other) => other is not null && other.Epoch == epoch && other.Session == session;

    public override bool Equals(object? obj) => Equals(obj as RemoteClient);

    public override int GetHashCode() => HashCode.Combine(epoch, session);
}
