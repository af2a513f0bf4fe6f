namespace Relay.Cluster;

/// <summary>Hears the other nodes for <see cref="ClusterNodes"/>, and says goodbye to them when the relay stops.</summary>
internal sealed class NodeSubscription(ClusterBus bus, ClusterSubjects subjects, ClusterNode own, ClusterNodes nodes) : IHostedService
{
    public const string Heartbeat = "heartbeat";

    private const string Goodbye = "goodbye";

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        bus.Unsupported += nodes.HearIncompatible;
        await bus.SubscribeAsync(subjects.All(Heartbeat), HearHeartbeat);
        await bus.SubscribeAsync(subjects.Node(own.Epoch, Heartbeat), HearHeartbeat);
        await bus.SubscribeAsync(subjects.All(Goodbye), HearGoodbye);
    }

    /// <summary>After the relay has sent its last heartbeat.</summary>
    public Task StopAsync(CancellationToken cancellationToken)
    {
        bus.TrySend(subjects.All(Goodbye), new V1.Envelope { Goodbye = new V1.Goodbye() });
        return Task.CompletedTask;
    }

    private void HearHeartbeat(ClusterMessage message)
    {
        if (message.Envelope.Heartbeat is not null)
        {
            nodes.Hear(message.Envelope);
        }
    }

    private void HearGoodbye(ClusterMessage message)
    {
        if (message.Envelope.Goodbye is not null)
        {
            nodes.Leave(message.Envelope.Epoch);
        }
    }
}
