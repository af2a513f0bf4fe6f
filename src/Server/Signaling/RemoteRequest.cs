using Relay.Clients;

namespace Relay.Signaling;

/// <summary>A request of a client of this relay that waits at another relay of the cluster. What changes is guarded by the table's lock.</summary>
internal sealed class RemoteRequest(long number, RequestKind kind, Client client, string target, long replaces, long madeAt)
{
    /// <summary>By which the two relays know it.</summary>
    public long Number => number;

    public RequestKind Kind => kind;

    public Client Client => client;

    public string Target => target;

    /// <summary>The number of the client's request to the same target that this one is a repeat of; 0: there was none.</summary>
    public long Replaces => replaces;

    public long MadeAt => madeAt;

    /// <summary>The start of the relay at which it waits; 0: not known yet.</summary>
    public ulong Epoch { get; set; }
}
