using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>stream-start, stream-frame and stream-end: from a channel's owner to its subscribers.</summary>
internal sealed class StreamHandler(StreamTable streams)
{
    public void Start(Client client, in ClientMessage message)
    {
        var (streamId, channelId) = (message.Text("streamId")!, message.Text("channelId")!);
        var title = message.DisplayText("title");
        if (Check(streamId, channelId) is { } error)
        {
            client.SendError(error);
        }
        else if (!streams.TryStart(client, channelId, new LiveStream(streamId, title), out var audience, out var subscribers))
        {
            client.SendError("Only the channel owner can start a stream");
        }
        else
        {
            FanOut.Send(audience, MessageWriter.Write(new StreamStarting(streamId, channelId, title), ServerJson.Default.StreamStarting));
            client.Send(MessageWriter.Write(new StreamStarted(streamId, channelId, subscribers), ServerJson.Default.StreamStarted));
        }
    }

    /// <summary>Passes a frame on; one that is malformed, or of no live stream of the client's, is silently dropped.</summary>
    public void Frame(Client client, in ClientMessage message, long receivedAt)
    {
        if (!message.HasContent("streamId")
            || !message.HasContent("frame")
            || streams.FindLive(client, message.Text("channelId")!, out var audience) is not { } channel
            || audience.Length == 0)
        {
            return;
        }

        var (sent, dropped) = FanOut.TrySend(
            audience, MessageWriter.StreamFrame(message.Raw("streamId"), message.Raw("channelId"), message.Raw("frame"), receivedAt));
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
            FanOut.Send(audience, MessageWriter.Write(new StreamEnding(streamId, channelId), ServerJson.Default.StreamEnding));
            client.Send(MessageWriter.Write(new StreamEnded(streamId, channelId), ServerJson.Default.StreamEnded));
        }
    }

    private static string? Check(string streamId, string channelId) =>
        streamId.Length == 0 || channelId.Length == 0 ? "Missing required fields: streamId, channelId"
        : !ChannelHandler.IsId(channelId) ? ChannelHandler.InvalidId
        : !ChannelHandler.IsId(streamId) ? "Invalid stream ID"
        : null;
}
