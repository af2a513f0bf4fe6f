using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Channels;

/// <summary>
/// What relays say to each other about one channel: to those that have subscribers, at the channel's subject, and to the one whose client owns it, at the
/// owner's. It knows subjects and messages, and nothing of what they mean.
/// </summary>
internal sealed class ChannelBus(ClusterOptions cluster, ClusterSubjects subjects, ClusterBus bus, ClusterNames names)
{
    /// <summary>Of the messages to one relay.</summary>
    public const string Matter = "channels";

    /// <summary>
    /// Raised with a message to the subscribers of a channel, in order, where NATS' connection is read: whoever hears it returns at once. Only while this
    /// relay has subscribers, or messages that wait.
    /// </summary>
    public event Action<string, ClusterMessage>? ToSubscribers;

    /// <summary>Whether there are other relays.</summary>
    public bool IsOn => cluster.IsOn;

    /// <summary>Sends to the other relays that have subscribers of the channel, once for each. False: NATS is away, or too much waits already.</summary>
    public bool Publish(string channelId, Envelope message) => bus.TrySend(Subject(channelId), message);

    /// <summary>
    /// Asks the relay whose client owns the channel, if it is another one, more than once if need be; <see cref="AnswerStatus.Nobody"/>: none does. That relay raises
    /// <see cref="ClusterNameAnswers.Received"/> with <see cref="NameKind.Channel"/>.
    /// </summary>
    public Task<Answer> AskOwnerAsync(string channelId, Envelope message) => names.AskUntilHeardAsync(OwnerSubject(channelId), message);

    /// <summary>Tells the relay whose client owns the channel, if it is another one.</summary>
    public void TellOwner(string channelId, Envelope message) => bus.TrySend(OwnerSubject(channelId), message);

    /// <summary>Asks one relay, and no other: without an answer nobody else has got it.</summary>
    public Task<Answer> AskNodeAsync(ulong epoch, Envelope message) => bus.AskAsync(subjects.Node(epoch, Matter), message);

    /// <summary>Tells one relay.</summary>
    public void TellNode(ulong epoch, Envelope message) => bus.TrySend(subjects.Node(epoch, Matter), message);

    /// <summary>Hears what is said to the subscribers of a channel; others know when it returns.</summary>
    public async Task<BusSubscription> HearAsync(string channelId, Action<ClusterMessage> handler)
    {
        var subscription = await bus.SubscribeAsync(Subject(channelId), handler);
        await bus.FlushAsync();
        return subscription;
    }

    public void EndHearing(BusSubscription subscription) => _ = bus.UnsubscribeAsync(subscription).AsTask();

    /// <summary>A message to the subscribers that is not about members or streams.</summary>
    public void Raise(string channelId, in ClusterMessage message) => ToSubscribers?.Invoke(channelId, message);

    private string Subject(string channelId) => subjects.Holder("channel", channelId);

    private string OwnerSubject(string channelId) => names.Subject(NameKind.Channel, channelId);
}
