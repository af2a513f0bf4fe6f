using System.Security.Cryptography;
using Relay.Channels;
using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Chunks;

/// <summary>chunk_announce, chunk_request and chunk_push.</summary>
internal sealed class ChunkHandler(
    ChunkTable table,
    ChunkPuller puller,
    ClusterSources others,
    ChunkNotices notices,
    ChunkStore store,
    ChannelTable channels,
    HolderPseudonyms pseudonyms,
    ChunkOptions options)
{
    private const string NotRegistered = "Not registered. Send register message first.";

    /// <summary>Notifies a new subscriber which of the channel's chunks are kept, here or by other relays on the same database.</summary>
    public ValueTask TellKeptAsync(Client client, string channelId)
    {
        if (store.IsShared)
        {
            return TellAllAsync();
        }

        Tell(table.KeptIn(channelId, options.NoticeLength));
        return ValueTask.CompletedTask;

        async ValueTask TellAllAsync()
        {
            var others = await store.FindIdsAsync(channelId);
            Tell(ChunkCache.Within(table.KeptIn(channelId, options.NoticeLength).Concat(others).Distinct(StringComparer.Ordinal), options.NoticeLength));
        }

        void Tell(IReadOnlyList<string> chunkIds)
        {
            if (chunkIds.Count > 0)
            {
                client.Send(MessageWriter.Write(new ChunkAvailable(channelId, chunkIds), ServerJson.Default.ChunkAvailable));
            }
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
                notices.Add(channelId, client, client.Session.Key, chunkIds);
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
        var key = new ChunkKey(channelId, chunkId);
        var (notified, searched) = (false, false);
        RemoteSource? elsewhere = null;
        while (true)
        {
            var answer = table.Request(client, client.Session.Key, chunkId, channelId, notified, elsewhere);
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
            else if (answer.Availability == Availability.NoSource && !searched)
            {
                // Another relay may have kept it in the same database.
                searched = true;
                if (await store.TryFindAsync(channelId, chunkId) is { } found)
                {
                    table.Restore([found]);
                }
                else
                {
                    elsewhere = await others.FindAsync(key);
                }
            }
            else
            {
                if (answer.Ask is { } source)
                {
                    puller.Ask(source, key, client);
                }

                if (answer.Displaced is { } displaced)
                {
                    ChunkPuller.Refuse(displaced, chunkId, Availability.TooManyWaiters);
                }

                ChunkPuller.Refuse(client, chunkId, answer.Availability);
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
        if (store.IsShared && channels.OwnerOf(channelId) != client && await store.TryFindAsync(channelId, chunkId) is { } kept)
        {
            // What another relay has kept is replaced by the channel's owner only, too.
            table.Restore([kept]);
        }

        var data = message.Raw("data").ToArray();
        var answer = table.Accept(client, pseudonyms.Of(client.Session.Key), chunkId, channelId, Convert.ToBase64String(SHA256.HashData(data)), data.Length);
        switch (answer.Verdict)
        {
            case PushVerdict.NotASource:
                client.SendError("Not a source of this chunk");
                break;
            case PushVerdict.OtherIsKept:
                ChunkPuller.SendFailure(client, chunkId, "Chunk already cached");
                break;
            case PushVerdict.SameIsKept:
                // While another's push of the same is under way there is no row to refresh, and no need.
                var isKept = !answer.Content!.IsOnDisk || await store.TryRefreshAsync(answer.Content);

                // Where another relay has kept it meanwhile, whoever waits for it here has not got it yet.
                var served = answer.Content.IsOnDisk ? ChunkPuller.Serve(answer.Content.Chunk.Key, data, table.Remote.Bring(answer.Content.Chunk.Key, asked: null)) : 0;
                Acknowledge(client, chunkId, isKept, served);
                break;
            default:
                await KeepAndServeAsync(client, answer.Content!, data);
                break;
        }
    }

    /// <summary>The client has left: its requests are forgotten, and what was asked of it is asked of the next source.</summary>
    public void Leave(Client client)
    {
        foreach (var change in table.Leave(client))
        {
            puller.ContinueAnywhere(change);
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
            served = ChunkPuller.Serve(content.Chunk.Key, data, table.Finish(content, written));
        }

        Acknowledge(client, content.Chunk.Id, written, served);
        if (written)
        {
            others.TellPushed(content.Chunk.Key);
        }
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

    private static void Acknowledge(Client client, string chunkId, bool kept, int served) =>
        client.Send(MessageWriter.Write(new ChunkPushAck(chunkId, kept, served), ServerJson.Default.ChunkPushAck));
}
