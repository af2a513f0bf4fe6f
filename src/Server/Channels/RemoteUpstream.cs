using Google.Protobuf;
using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Relay.Protocol;
using Relay.Sessions;
using Result = Relay.Cluster.V1.UpstreamAnswer.Types.Result;

namespace Relay.Channels;

/// <summary>What came of an upstream message for an owner at another relay.</summary>
internal enum UpstreamOutcome
{
    Taken,

    /// <summary>The owner takes no more of that address now.</summary>
    Busy,

    /// <summary>It did not arrive, or no client of that relay owns the channel any more.</summary>
    NotOwned,

    /// <summary>That relay does not answer: it may have arrived.</summary>
    Silent,
}

/// <summary>Upstream messages to and from owners at other relays: each waits for its answer at its sender's relay, one after another.</summary>
internal sealed class RemoteUpstream(ChannelDirectory directory, ChannelBus bus, Sessions.ClientSessionOptions sessions)
{
    private static readonly FieldNames Fields = new("type", "channelId", "message", "ephemeralPublicKey");

    /// <summary>Asks the relay that the message is for to give it to the owner. The step's share of the message is returned.</summary>
    public async Task<UpstreamOutcome> SendAsync(DeliveryStep step)
    {
        var waiting = step.Waiting!;
        var upstream = new Upstream
        {
            Number = waiting.Number,
            Address = ClientAddresses.ToMessage(waiting.Sender),
            Message = ByteString.CopyFrom(step.Message.Bytes.Span),
        };
        step.Message.Return();
        var answer = await bus.AskNodeAsync(waiting.SentTo, new Envelope { Upstream = upstream });
        return answer.Status == AnswerStatus.Silent ? UpstreamOutcome.Silent : answer.Message?.UpstreamAnswer?.Result switch
        {
            Result.Taken => UpstreamOutcome.Taken,
            Result.Busy => UpstreamOutcome.Busy,
            _ => UpstreamOutcome.NotOwned,
        };
    }

    /// <summary>A message of another relay's client for the owner of a channel here. Null: it is none.</summary>
    public Result? Receive(ulong epoch, Upstream upstream)
    {
        if (upstream.Number <= 0 || upstream.Message.Length > sessions.MaxMessageBytes + UpstreamQueue.Overhead
            || !ClientAddresses.TryRead(upstream.Address, out var address) || !ClientMessage.TryParse(upstream.Message.Memory, Fields, out var message))
        {
            return null;
        }

        using (message)
        {
            return message.Text("type") != "upstream-message" || message.Text("channelId") is not { } channelId || !ChannelHandler.IsId(channelId)
                || !message.HasContent("message") || message.Text("ephemeralPublicKey") is not { } key ? null
                : Pass(channelId, epoch, upstream.Number, address, MessageWriter.Write(
                    new UpstreamForwarded(channelId, new RawJson(message.Value("message").Raw), key), ServerJson.Default.UpstreamForwarded));
        }
    }

    // One relay's messages to a channel come one after another, and from one thread.
    private Result Pass(string channelId, ulong epoch, long number, IpKey address, in EncodedMessage message)
    {
        Client? owner;
        lock (directory.Lock)
        {
            var channel = directory.Find(channelId);
            owner = channel?.Elsewhere.MembersOf(epoch).LastUpstream == number ? null : channel?.Owner;
            if (owner is null)
            {
                message.Return();
                return channel?.Owner is not null ? Result.Taken : Result.NotOwned;
            }
        }

        switch (owner.TryPass(message, address))
        {
            case SendResult.Full:
                return Result.Busy;
            case SendResult.Completed:
                return Result.NotOwned;
        }

        lock (directory.Lock)
        {
            if (directory.Find(channelId) is { } channel && channel.Owner == owner)
            {
                channel.Elsewhere.TrySetMembers(epoch, channel.Elsewhere.MembersOf(epoch) with { LastUpstream = number }, ClusterNodes.MaxNodes);
            }
        }

        return Result.Taken;
    }
}
