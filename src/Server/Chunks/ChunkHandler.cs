using System.Security.Cryptography;
using Relay.Channels;
using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>chunk_announce, chunk_request and chunk_push.</summary>
internal sealed class ChunkHandler(ChunkTable table, ChunkStore store, ChannelTable channels, HolderPseudonyms pseudonyms, ChunkOptions options)
{
    private const string NotRegistered = "Not registered. Send register message first.";
    private const string NoSource = "No source available for chunk";

    // What a new subscriber is notified of, in UTF-16 units of ids: a thousand of 64 letters, and far below what may wait for a socket.
    private const int MaxListedLength = 65_536;

    /// <summary>Notifies a new subscriber which of the channel's chunks the relay keeps.</summary>
    public void TellKept(Client client, string channelId)
    {
        if (table.KeptIn(channelId, MaxListedLength) is { Count: > 0 } chunkIds)
        {
            client.Send(MessageWriter.Write(new ChunkAvailable(channelId, chunkIds), ServerJson.Default.ChunkAvailable));
        }
    }

    public void Announce(Client client, in ClientMessage message)
    {
        if (client.Name is null)
        {
            client.SendError(NotRegistered);
            return;
        }

        var channelId = message.Text("channelId");
        var chunkIds = new List<string>();
        if (ChunkEntries.Read(message.Value("chunks"), chunkIds) is { } error)
        {
            client.SendError(error);
        }
        else if (message.HasContent("channelId") && channelId is not { Length: <= ChunkEntries.MaxIdLength })
        {
            client.SendError(ChannelHandler.InvalidId);
        }
        else
        {
            channelId = channelId is { Length: > 0 } ? channelId : null;
            table.Announce(client, pseudonyms.Of(client.Session.Key), channelId, chunkIds);
            client.Send(MessageWriter.Write(new ChunkAnnounceAck(chunkIds.Count), ServerJson.Default.ChunkAnnounceAck));
            if (channelId is not null && channels.IsMember(channelId, client))
            {
                FanOut.Send(
                    [.. channels.Subscribers(channelId).Where(subscriber => subscriber != client)],
                    MessageWriter.Write(new ChunkAvailable(channelId, chunkIds), ServerJson.Default.ChunkAvailable));
            }
        }
    }

    public async ValueTask RequestAsync(Client client, ClientMessage message)
    {
        if (Error(client, message) is { } error)
        {
            client.SendError(error);
            return;
        }

        var chunkId = message.Text("chunkId")!;
        var channelId = message.Text("channelId")!;
        var notified = false;
        while (true)
        {
            var answer = table.Request(client, chunkId, channelId, notified);
            if (answer.Availability == Availability.Kept)
            {
                if (await store.TryReadAsync(answer.Content!) is { } data)
                {
                    table.CountServedFromCache();
                    client.Send(MessageWriter.Write(
                        new ChunkContent(chunkId, channelId, new RawJson(data), "cache"), ServerJson.Default.ChunkContent));
                    return;
                }

                // Removed since, or the disk has failed: see what else there is.
                table.Lose(answer.Content!);
            }
            else if (answer.Availability == Availability.ToWaitFor && !notified)
            {
                client.Send(MessageWriter.Write(new ChunkPulling(chunkId), ServerJson.Default.ChunkPulling));
                notified = true;
            }
            else
            {
                answer.Ask?.Send(MessageWriter.Write(new ChunkPull(chunkId, channelId), ServerJson.Default.ChunkPull));
                if (Refusal(answer.Availability) is { } refusal)
                {
                    SendFailure(client, chunkId, refusal);
                }

                return;
            }
        }
    }

    public async ValueTask PushAsync(Client client, ClientMessage message)
    {
        if ((Error(client, message) ?? DataError(message)) is { } error)
        {
            client.SendError(error);
            return;
        }

        var chunkId = message.Text("chunkId")!;
        var channelId = message.Text("channelId")!;
        var data = message.Raw("data").ToArray();
        var answer = table.Accept(client, pseudonyms.Of(client.Session.Key), chunkId, channelId, Convert.ToBase64String(SHA256.HashData(data)), data.Length);
        switch (answer.Verdict)
        {
            case PushVerdict.NotASource:
                client.SendError("Not a source of this chunk");
                break;
            case PushVerdict.OtherIsKept:
                SendFailure(client, chunkId, "Chunk already cached");
                break;
            case PushVerdict.SameIsKept:
                // While another's push of the same is under way there is no row to refresh, and no need.
                var kept = !answer.Content!.IsOnDisk || await store.TryRefreshAsync(answer.Content);
                Acknowledge(client, chunkId, kept, served: 0);
                break;
            default:
                await KeepAndServeAsync(client, answer.Content!, data);
                break;
        }
    }

    /// <summary>The client has left: its requests are forgotten, and what was asked of it is asked of the next source.</summary>
    public void Leave(Client client) => Notify(table.Leave(client));

    /// <summary>Asks the next source, or notifies the waiters that there is none.</summary>
    public static void Notify(IEnumerable<PullChange> changes)
    {
        foreach (var (chunkId, channelId, next, waiters) in changes)
        {
            next?.Send(MessageWriter.Write(new ChunkPull(chunkId, channelId), ServerJson.Default.ChunkPull));
            foreach (var waiter in waiters)
            {
                SendFailure(waiter, chunkId, NoSource);
            }
        }
    }

    /// <summary>The waiting clients get the chunk, whether it can be kept or not.</summary>
    private async ValueTask KeepAndServeAsync(Client client, CachedChunk content, byte[] data)
    {
        var (written, served) = (false, 0);
        try
        {
            written = await store.TryWriteAsync(content, data);
        }
        finally
        {
            var waiters = table.Finish(content, written);
            served = waiters.Count;
            if (served > 0)
            {
                FanOut.Send(waiters, MessageWriter.Write(
                    new ChunkContent(content.Chunk.Id, content.Chunk.ChannelId, new RawJson(data), "relay"), ServerJson.Default.ChunkContent));
            }
        }

        Acknowledge(client, content.Chunk.Id, written, served);
    }

    private static string? Error(Client client, in ClientMessage message) =>
        client.Name is null ? NotRegistered
        : message.Text("chunkId")!.Length == 0 ? "Missing required field: chunkId"
        : message.Text("channelId")!.Length == 0 ? "Missing required field: channelId"
        : message.Text("chunkId")!.Length > ChunkEntries.MaxIdLength ? "Invalid chunk ID"
        : message.Text("channelId")!.Length > ChunkEntries.MaxIdLength ? ChannelHandler.InvalidId
        : null;

    private string? DataError(in ClientMessage message)
    {
        if (!message.HasContent("data"))
        {
            return "Missing required field: data";
        }

        // A chunk is never longer than it has bytes.
        return message.Raw("data").Length > options.MaxChunkLength && ChunkLength.Of(message.Value("data")) is var length && length > options.MaxChunkLength
            ? $"Chunk payload too large: {length} bytes exceeds {options.MaxChunkLength} byte limit"
            : null;
    }

    private static string? Refusal(Availability availability) => availability switch
    {
        Availability.NoSource => NoSource,
        Availability.TooManyPulls => "Too many chunk requests",
        Availability.TooManyWaiters => "Too many requests for this chunk",
        _ => null,
    };

    private static void SendFailure(Client client, string chunkId, string text) =>
        client.Send(MessageWriter.Write(new ChunkError(chunkId, text), ServerJson.Default.ChunkError));

    private static void Acknowledge(Client client, string chunkId, bool kept, int served) =>
        client.Send(MessageWriter.Write(new ChunkPushAck(chunkId, kept, served), ServerJson.Default.ChunkPushAck));
}
