using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Channels;

/// <summary>
/// What other relays of the cluster ask the owners of channels here, and how channels follow relays that come and go. All is checked and bounded like a client's
/// messages: a node may be wrong.
/// </summary>
internal sealed class ClusterChannels(
    ClusterBus bus,
    ClusterConnection connection,
    ClusterNodes nodes,
    ClusterNameAnswers names,
    RemoteOwners owners,
    RemoteChannels remote,
    ChannelAnnouncer announcer,
    RemoteUpstream upstream) : IHostedService
{
    // Of one channel at one relay.
    private const int MaxSubscribers = 1_000_000;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        names.Received += Receive;
        nodes.Joined += OnJoined;
        nodes.Gone += OnGone;
        connection.Connected += remote.AskForAll;
        await bus.SubscribeToOwnAsync(ChannelBus.Matter, Receive);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        names.Received -= Receive;
        nodes.Joined -= OnJoined;
        nodes.Gone -= OnGone;
        connection.Connected -= remote.AskForAll;
        return Task.CompletedTask;
    }

    // Both are raised under a lock, and there may be much to do.
    private void OnJoined(string name, ulong epoch) => _ = Task.Run(() => remote.Greet(epoch));

    private void OnGone(ulong epoch) => _ = Task.Run(() =>
    {
        owners.ForgetNode(epoch);
        if (nodes.IsHere(epoch))
        {
            // It was heard again meanwhile.
            remote.Greet(epoch);
        }
    });

    private void Receive(ClusterMessage message)
    {
        var envelope = message.Envelope;
        if (envelope.Upstream is not null && nodes.IsOvertaken(envelope))
        {
            // What is not answered is sent again: this one would arrive twice, or after later ones.
            return;
        }

        if (envelope.ChannelsWanted is not null)
        {
            remote.AskForAll();
        }
        else if (envelope.Upstream is { } sent && upstream.Receive(envelope.Epoch, sent) is { } result)
        {
            bus.Reply(message, new Envelope { UpstreamAnswer = new UpstreamAnswer { Result = result } });
        }
        else
        {
            bus.Refuse(message);
        }
    }

    // To the owner of a channel here.
    private void Receive(ClusterName name, Client? owner, ClusterMessage message)
    {
        var envelope = message.Envelope;
        if (name.Kind != NameKind.Channel || envelope.ChannelMembers is not { } members)
        {
            return;
        }

        if (members.Subscribers <= MaxSubscribers && announcer.Add(name.Name, envelope.Epoch, (int)members.Subscribers, members.Revision) is { } state)
        {
            bus.Reply(message, new Envelope { ChannelState = state });
        }
        else
        {
            bus.Refuse(message);
        }
    }
}
