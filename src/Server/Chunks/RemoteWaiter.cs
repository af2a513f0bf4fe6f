using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;

namespace Relay.Chunks;

/// <summary>Another relay of the cluster that waits for a chunk. It is answered once.</summary>
/// <param name="address">What the address of one of its clients that wait counts by.</param>
internal sealed class RemoteWaiter(ClusterChunks relays, ClusterMessage question, IpKey address) : Party
{
    public IpKey Address => address;

    public override bool HasLeft => false;

    /// <param name="data">Null: there is no source.</param>
    public void Answer(byte[]? data) => relays.Answer(question, data);
}
