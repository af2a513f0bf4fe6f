using Relay.Addresses;
using Relay.Clients;
using Relay.Cluster;
using Relay.Cluster.V1;
using Result = Relay.Cluster.V1.ChunkAnswer.Types.Result;

namespace Relay.Chunks;

/// <summary>What this relay asks the others of its cluster about chunks that none of its own clients has.</summary>
internal sealed class ClusterSources(
    ClusterOptions cluster, ClusterSubjects subjects, ClusterBus bus, ClusterNodes nodes, ChunkOptions options, Sessions.ClientSessionOptions sessions)
{
    public const string Matter = "chunks";

    // Each is a question to every other relay.
    private const int MaxSearches = 256;

    // Atomic.
    private int _searches;

    public bool IsOn => cluster.IsOn;

    /// <summary>The relays that have a source of the chunk, that of the channel's owner first; null: none has, or too much is searched already.</summary>
    public async Task<RemoteSource?> FindAsync(ChunkKey key)
    {
        if (!cluster.IsOn)
        {
            return null;
        }

        var isAllowed = Interlocked.Increment(ref _searches) <= MaxSearches;
        var answers = isAllowed ? await Task.WhenAll(nodes.Epochs().Select(epoch => AskAsync(epoch, key))) : [];
        Interlocked.Decrement(ref _searches);
        var relays = answers.Where(answer => answer.Result is Result.Source or Result.Owner)
            .OrderByDescending(answer => answer.Result == Result.Owner)
            .ThenBy(_ => Random.Shared.Next())
            .Select(answer => answer.Epoch)
            .ToList();
        return relays.Count > 0 ? new RemoteSource(relays) : null;
    }

    /// <summary>Has a relay pull the chunk from its source; null: it has none, or not in time.</summary>
    /// <param name="address">What the address of a client that waits counts by.</param>
    public async Task<byte[]?> PullAsync(ulong epoch, ChunkKey key, IpKey address)
    {
        var question = Question(key);
        (question.Pull, question.Address) = (true, ClientAddresses.ToMessage(address));
        var answer = await bus.AskAsync(subjects.Node(epoch, Matter), new Envelope { ChunkQuestion = question }, options.PullTimeout);
        if (answer.Message?.ChunkAnswer is not { Result: Result.Content } content)
        {
            return null;
        }

        if (content.Data.Length <= sessions.MaxMessageBytes && ChunkLength.IsWithin(content.Data.Memory, options.MaxChunkLength))
        {
            return content.Data.ToByteArray();
        }

        bus.Refuse(new ClusterMessage(answer.Message, null));
        return null;
    }

    /// <summary>A chunk was pushed and kept: whoever waits for it at other relays need not any more.</summary>
    public void TellPushed(ChunkKey key)
    {
        if (cluster.IsOn)
        {
            bus.TrySend(subjects.All(Matter), new Envelope { ChunkPushed = new ChunkPushed { ChannelId = key.ChannelId, ChunkId = key.Id } });
        }
    }

    private async Task<(ulong Epoch, Result Result)> AskAsync(ulong epoch, ChunkKey key)
    {
        var answer = await bus.AskAsync(subjects.Node(epoch, Matter), new Envelope { ChunkQuestion = Question(key) });
        return (epoch, answer.Message?.ChunkAnswer?.Result ?? Result.None);
    }

    private static ChunkQuestion Question(ChunkKey key) => new() { ChannelId = key.ChannelId, ChunkId = key.Id };
}
