using Google.Protobuf;
using Relay.Channels;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Result = Relay.Cluster.V1.ChunkAnswer.Types.Result;

namespace Relay.Chunks;

/// <summary>What other relays of the cluster ask and say about chunks. It is checked like a client's message: a node may be wrong.</summary>
internal sealed class ClusterChunks(
    ClusterBus bus, ClusterSubjects subjects, ClusterNodes nodes, ChannelBus channels, ChunkTable table, ChunkPuller puller, ChunkNotices notices, ChunkStore store, ChunkOptions options)
    : IHostedService
{
    // Questions of other relays that wait for a source, and chunks that are looked for in the database, because others have pushed them.
    private const int MaxWaiting = 10_000;
    private const int MaxReads = 256;

    // In JSON, with quotes and a comma.
    private const int ShortestId = 4;

    // Atomic.
    private int _waiting;
    private int _reads;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        nodes.Gone += OnGone;
        channels.ToSubscribers += ReceiveAnnounced;
        await bus.SubscribeToOwnAsync(ClusterSources.Matter, Receive);
        await bus.SubscribeAsync(subjects.All(ClusterSources.Matter), Receive);
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        nodes.Gone -= OnGone;
        channels.ToSubscribers -= ReceiveAnnounced;
        return Task.CompletedTask;
    }

    /// <summary>Answers a question that waited.</summary>
    /// <param name="data">Null: there is no source.</param>
    public void Answer(in ClusterMessage question, byte[]? data)
    {
        Interlocked.Decrement(ref _waiting);
        Reply(question, data is null ? Result.None : Result.Content, data);
    }

    // It is raised under the lock of the nodes.
    private void OnGone(ulong epoch) => _ = Task.Run(() =>
    {
        foreach (var change in table.Remote.PassOn(epoch))
        {
            puller.Continue(change);
        }
    });

    // Where NATS' connection is read, like the next.
    private void Receive(ClusterMessage message)
    {
        var envelope = message.Envelope;
        if (envelope.ChunkQuestion is { } question && Key(question.ChannelId, question.ChunkId) is { } asked)
        {
            if (!question.Pull)
            {
                var (hasSource, hasOwner) = table.Remote.SourcesOf(asked);
                Reply(message, hasOwner ? Result.Owner : hasSource ? Result.Source : Result.None, null);
                return;
            }

            if (ClientAddresses.TryRead(question.Address, out var address))
            {
                Interlocked.Increment(ref _waiting);
                _ = PullAsync(asked, new RemoteWaiter(this, message, address));
                return;
            }
        }
        else if (envelope.ChunkPushed is { } pushed && Key(pushed.ChannelId, pushed.ChunkId) is { } key)
        {
            if (table.Remote.IsWaitedFor(key))
            {
                _ = BringAsync(key);
            }

            return;
        }

        bus.Refuse(message);
    }

    private void ReceiveAnnounced(string channelId, ClusterMessage message)
    {
        if (message.Envelope.ChunksAnnounced is { } announced && announced.ChunkIds.Count > 0 && announced.ChunkIds.Count <= options.NoticeLength / ShortestId
            && announced.ChunkIds.All(IsId) && ClientAddresses.TryRead(announced.Address, out var address))
        {
            notices.Add(channelId, new RemoteAnnouncer(), address, announced.ChunkIds);
        }
        else
        {
            bus.Refuse(message);
        }
    }

    private async Task PullAsync(ChunkKey key, RemoteWaiter waiter)
    {
        if (Volatile.Read(ref _waiting) > MaxWaiting)
        {
            waiter.Answer(null);
            return;
        }

        var answer = table.Request(waiter, waiter.Address, key.Id, key.ChannelId!, notified: true);
        if (answer.Ask is { } source)
        {
            puller.Ask(source, key, waiter);
        }

        if (answer.Displaced is { } displaced)
        {
            ChunkPuller.Refuse(displaced, key.Id, Availability.TooManyWaiters);
        }

        if (answer.Content is { } content)
        {
            if (await store.TryReadAsync(content) is { } data)
            {
                waiter.Answer(data);
                return;
            }

            // Another relay has removed it since: a source has it still.
            table.Lose(content);
            await PullAsync(key, waiter);
        }
        else if (answer.Availability != Availability.ToWaitFor)
        {
            waiter.Answer(null);
        }
    }

    // Another relay has put it into the database: whoever is still asked for it here need not be waited for.
    private async Task BringAsync(ChunkKey key)
    {
        if (Interlocked.Increment(ref _reads) <= MaxReads
            && await store.TryFindAsync(key.ChannelId!, key.Id) is { } found && await store.TryReadAsync(found.Row) is { } data)
        {
            table.Restore([found]);
            ChunkPuller.Serve(key, data, table.Remote.Bring(key, asked: null));
        }

        Interlocked.Decrement(ref _reads);
    }

    private void Reply(in ClusterMessage question, Result result, byte[]? data) => bus.Reply(question, new Envelope
    {
        ChunkAnswer = new ChunkAnswer { Result = result, Data = data is null ? ByteString.Empty : UnsafeByteOperations.UnsafeWrap(data) },
    });

    private static ChunkKey? Key(string channelId, string chunkId) => IsId(channelId) && IsId(chunkId) ? new ChunkKey(channelId, chunkId) : null;

    private static bool IsId(string text) => text.Length is > 0 and <= ChunkEntries.MaxIdLength;

    /// <summary>Clients of another relay, of which it has told what they have announced.</summary>
    private sealed class RemoteAnnouncer : Party
    {
        public override bool HasLeft => false;
    }
}
