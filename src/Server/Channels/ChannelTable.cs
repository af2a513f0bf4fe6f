using Relay.Presence;

namespace Relay.Channels;

/// <summary>Channels with an owner, subscribers or messages that wait.</summary>
internal sealed class ChannelTable
{
    public bool IsOwner(string channelId, Client client) => throw new NotImplementedException();

    /// <summary>True for the owner and for subscribers.</summary>
    public bool IsMember(string channelId, Client client) => throw new NotImplementedException();

    public IReadOnlyList<Client> Subscribers(string channelId) => throw new NotImplementedException();

    public ChannelFigures Figures() => throw new NotImplementedException();

    public IReadOnlyList<ChannelSnapshot> Snapshot() => throw new NotImplementedException();
}
