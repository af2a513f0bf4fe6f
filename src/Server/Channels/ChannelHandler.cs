using Relay.Clients;
using Relay.Protocol;

namespace Relay.Channels;

/// <summary>channel-owner-register, channel-subscribe and upstream-message.</summary>
internal sealed class ChannelHandler(
    ChannelTable table, StreamTable streams, UpstreamQueue upstream, UpstreamDelivery delivery, RemoteChannels remote, ChannelOptions options, TimeProvider time)
{
    public const string InvalidId = "Invalid channel ID";

    private const string OwnedByAnother = "Channel already has an active owner";

    private const int MaxIdLength = 256;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>Channel and stream ids are kept, so that their length is bounded.</summary>
    public static bool IsId(string text) => text.Length is > 0 and <= MaxIdLength;

    public ValueTask RegisterOwnerAsync(Client client, in ClientMessage message)
    {
        var channelId = message.Text("channelId")!;
        if (!IsId(channelId))
        {
            client.SendError(InvalidId);
            return ValueTask.CompletedTask;
        }

        switch (table.Own(client, channelId, remote.IsOn))
        {
            case ChannelEntry.OwnedByAnother:
                client.SendError(OwnedByAnother);
                return ValueTask.CompletedTask;
            case ChannelEntry.TooMany:
                client.SendError("Too many channels");
                return ValueTask.CompletedTask;
            case ChannelEntry.New:
                client.Session.AddRegistration();
                if (remote.IsOn)
                {
                    return ClaimAsync(client, channelId);
                }

                break;
        }

        // The confirmation comes after what waited.
        delivery.Deliver(channelId);
        return ValueTask.CompletedTask;
    }

    /// <summary>True when the client has subscribed, now or before, and has been notified.</summary>
    public ValueTask<bool> SubscribeAsync(Client client, string channelId)
    {
        if (!IsId(channelId))
        {
            client.SendError(InvalidId);
            return ValueTask.FromResult(false);
        }

        switch (table.Subscribe(client, channelId))
        {
            case ChannelEntry.TooMany:
                client.SendError("Too many subscriptions");
                return ValueTask.FromResult(false);
            case ChannelEntry.New:
                client.Session.AddRegistration();
                if (remote.IsOn)
                {
                    return JoinAsync(client, channelId);
                }

                break;
        }

        Notify(client, channelId);
        return ValueTask.FromResult(true);
    }

    public void SendUpstream(Client client, in ClientMessage message)
    {
        var channelId = message.Text("channelId")!;
        if (!IsId(channelId))
        {
            client.SendError(InvalidId);
        }
        else if (!message.HasContent("message"))
        {
            client.SendError("Missing required field: message");
        }
        else if (!upstream.TryRoute(client, channelId, out var owner))
        {
            client.SendError("Not subscribed to this channel");
        }
        else if (!client.UpstreamMessages.TryTake(1, options.UpstreamPerMinute, Minute, time))
        {
            client.SendError("Upstream rate limit exceeded. Please slow down.");
        }
        else
        {
            var content = message.Value("message");
            delivery.Send(channelId, client, owner, MessageWriter.Write(
                new UpstreamForwarded(channelId, new RawJson(content.Raw), message.Text("ephemeralPublicKey")!), ServerJson.Default.UpstreamForwarded));
            client.Send(MessageWriter.Write(new UpstreamAck(channelId, IdOf(content)), ServerJson.Default.UpstreamAck));
        }
    }

    /// <summary>The client has left: its streams end, then its channels are free.</summary>
    public void Leave(Client client)
    {
        var owned = table.OwnedBy(client);
        foreach (var channelId in owned)
        {
            if (streams.End(client, channelId, out var audience) is { } ended)
            {
                FanOut.Pass(audience, MessageWriter.Write(new StreamEnding(ended.Id, channelId), ServerJson.Default.StreamEnding), client.Session.Key);
            }
        }

        for (var left = table.Remove(client); left > 0; left--)
        {
            client.Session.RemoveRegistration();
        }

        if (remote.IsOn)
        {
            foreach (var channelId in owned)
            {
                remote.Release(client, channelId);
            }

            remote.Update();
        }
    }

    // What is live elsewhere is known before the client is told.
    private async ValueTask<bool> JoinAsync(Client client, string channelId)
    {
        await remote.JoinAsync(channelId);
        Notify(client, channelId);
        return true;
    }

    private async ValueTask ClaimAsync(Client client, string channelId)
    {
        if (await remote.TryOwnAsync(client, channelId))
        {
            delivery.Deliver(channelId);
        }
        else if (table.Withdraw(client, channelId))
        {
            client.Session.RemoveRegistration();
            client.SendError(OwnedByAnother);
        }
    }

    private void Notify(Client client, string channelId)
    {
        client.Send(MessageWriter.Write(new ChannelSubscribed(channelId), ServerJson.Default.ChannelSubscribed));
        LiveStream? notified = null;
        while (!streams.TryJoin(client, channelId, notified, out var live))
        {
            client.Send(live is not null
                ? MessageWriter.Write(new StreamStarting(live.Id, channelId, live.Title), ServerJson.Default.StreamStarting)
                : MessageWriter.Write(new StreamEnding(notified!.Id, channelId), ServerJson.Default.StreamEnding));
            notified = live;
        }
    }

    // The sender's own name for its message, whatever it is.
    private static RawJson IdOf(JsonValue content) => new(content.Field("id").Raw);
}
