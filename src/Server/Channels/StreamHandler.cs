using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>stream-start, stream-frame and stream-end: from a channel's owner to its subscribers.</summary>
internal sealed class StreamHandler(StreamTable streams, ChannelAnnouncer announcer)
{
    public void Start(Client client, in ClientMessage message)
    {
        var (streamId, channelId) = (message.Text("streamId")!, message.Text("channelId")!);
        var title = message.DisplayText("title");
        if (Check(streamId, channelId) is { } error)
        {
            client.SendError(error);
        }
        else if (!streams.TryStart(client, channelId, new LiveStream(streamId, title, client.Session.Key), out var audience, out var subscribers))
        {
            client.SendError("Only the channel owner can start a stream");
        }
        else
        {
            FanOut.Pass(audience, MessageWriter.Write(new StreamStarting(streamId, channelId, title), ServerJson.Default.StreamStarting), client.Session.Key);
            announcer.Announce(channelId);
            client.Send(MessageWriter.Write(new StreamStarted(streamId, channelId, subscribers), ServerJson.Default.StreamStarted));
        }
    }

    /// <summary>Passes a frame on; one that is malformed, or of no live stream of the client's, is silently dropped.</summary>
    public void Frame(Client client, in ClientMessage message, long receivedAt)
    {
        if (!message.HasContent("streamId")
            || !message.HasContent("frame")
            || streams.FindLive(client, message.Text("channelId")!, out var audience) is not { } channel
            || (audience.Length == 0 && !channel.Elsewhere.HasSubscribers))
        {
            return;
        }

        var frame = MessageWriter.StreamFrame(message.Raw("streamId"), message.Raw("channelId"), message.Raw("frame"), receivedAt);
        announcer.Pass(channel, frame);
        var (sent, dropped) = FanOut.Stream(audience, frame);
        streams.CountFrames(channel, sent, dropped);
    }

    public void End(Client client, in ClientMessage message)
    {
        var (streamId, channelId) = (message.Text("streamId")!, message.Text("channelId")!);
        if (Check(streamId, channelId) is { } error)
        {
            client.SendError(error);
        }
        else if (streams.End(client, channelId, out var audience) is null)
        {
            client.SendError("Cannot end stream: not the owner or no active stream");
        }
        else
        {
            FanOut.Pass(audience, MessageWriter.Write(new StreamEnding(streamId, channelId), ServerJson.Default.StreamEnding), client.Session.Key);
            announcer.Announce(channelId);
            client.Send(MessageWriter.Write(new StreamEnded(streamId, channelId), ServerJson.Default.StreamEnded));
        }
    }

    private static string? Check(string streamId, string channelId) =>
        streamId.Length == 0 || channelId.Length == 0 ? "Missing required fields: streamId, channelId"
        : !ChannelHandler.IsId(channelId) ? ChannelHandler.InvalidId
        : !ChannelHandler.IsId(streamId) ? "Invalid stream ID"
        : null;
}
