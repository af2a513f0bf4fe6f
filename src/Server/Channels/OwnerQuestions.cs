using NATS.Client.Core;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Channels;

/// <summary>Asks owners' relays what channels are, and hears what they say to the subscribers here.</summary>
internal sealed class OwnerQuestions(
    ChannelDirectory directory, RemoteOwners owners, ChannelSchedule schedule, ChannelBus channels, ClusterBus bus, ClusterNodes nodes)
{
    /// <summary>NATS servers tell each other of interest a moment later than they answer: a channel is asked for again then.</summary>
    public static readonly TimeSpan Again = TimeSpan.FromSeconds(1);

    /// <summary>Asks what the channel is; the task ends when a question that begins from now on has been answered, or will not be. The caller holds the directory's lock.</summary>
    public Task Ask(ChannelInterest interest)
    {
        var asked = interest.Want(out var begins);
        if (begins)
        {
            _ = Task.Run(() => AskAllAsync(interest));
        }

        return asked;
    }

    private async Task AskAllAsync(ChannelInterest interest)
    {
        while (TakeNext(interest) is { } next)
        {
            try
            {
                await AskAsync(interest);
            }
            catch (Exception exception) when (exception is NatsException or OperationCanceledException or ObjectDisposedException)
            {
                // NATS is away, or the relay stops; the channel is asked for when it is back.
            }

            next.SetResult();
        }
    }

    private TaskCompletionSource? TakeNext(ChannelInterest interest)
    {
        lock (directory.Lock)
        {
            return interest.TakeNext();
        }
    }

    private async Task AskAsync(ChannelInterest interest)
    {
        var channel = interest.Channel;
        var hearing = interest.Subscription is null ? await channels.HearAsync(channel.Id, message => Receive(interest, message)) : null;
        bool isCurrent, asks, wasOwned;
        ChannelMembers members;
        lock (directory.Lock)
        {
            isCurrent = interest.IsCurrent;
            asks = isCurrent && channel.Owner is null;
            interest.Subscription ??= hearing;
            wasOwned = channel.Elsewhere.Owner is not null;
            members = new ChannelMembers { Subscribers = (uint)channel.SubscriberCount, Revision = directory.NextRevision() };
        }

        if (!isCurrent && hearing is not null)
        {
            channels.EndHearing(hearing);
        }

        if (!asks)
        {
            return;
        }

        var answer = await channels.AskOwnerAsync(channel.Id, new Envelope { ChannelMembers = members });
        var isSure = answer.Status switch
        {
            AnswerStatus.Answered => Hear(interest, new ClusterMessage(answer.Message!, null), isAnswer: true) && nodes.IsHere(answer.Message!.Epoch),
            AnswerStatus.Nobody => owners.Hear(interest, 0, null, isAnswer: true) == Heard.Done && !wasOwned,

            // When NATS is back all are asked for.
            _ => answer.Status == AnswerStatus.Away,
        };
        if (!isSure)
        {
            lock (directory.Lock)
            {
                schedule.Add(channel, Again);
            }
        }
    }

    // Where NATS' connection is read.
    private void Receive(ChannelInterest interest, ClusterMessage message)
    {
        if (message.Envelope.BodyCase is Envelope.BodyOneofCase.ChannelState or Envelope.BodyOneofCase.ChannelFrame)
        {
            Hear(interest, message, isAnswer: false);
        }
        else if (interest.IsCurrent)
        {
            channels.Raise(interest.Channel.Id, message);
        }
    }

    // False: it says nothing that is certain.
    private bool Hear(ChannelInterest interest, in ClusterMessage message, bool isAnswer)
    {
        var envelope = message.Envelope;

        // States tell by their revision which is the later; a frame that comes late is as good as lost.
        var heard = envelope.ChannelState is { } state ? owners.Hear(interest, envelope.Epoch, state, isAnswer)
            : envelope.ChannelFrame is { } frame && !isAnswer ? nodes.IsOvertaken(envelope) ? Heard.Done : owners.HearFrame(interest, envelope.Epoch, frame)
            : Heard.Invalid;
        if (heard == Heard.Invalid)
        {
            bus.Refuse(message);
        }
        else if (heard == Heard.Unsure)
        {
            lock (directory.Lock)
            {
                _ = Ask(interest);
            }
        }

        return heard == Heard.Done;
    }
}
