using Relay.Addresses;
using Relay.Clients;
using Relay.Protocol;
using Relay.Sessions;

namespace Relay.Chunks;

/// <summary>Asks sources for chunks, of this relay or of others, and gives those who wait what comes, or says that nothing does.</summary>
internal sealed class ChunkPuller(ChunkTable table, ClusterSources others)
{
    /// <summary>Asks a source, for those who wait, of whom one is given. A client that too much waits for is as good as none.</summary>
    public void Ask(Party source, ChunkKey key, Party waiter)
    {
        if (source is RemoteSource relays)
        {
            _ = PullAsync(relays, key, AddressOf(waiter));
        }
        else if (source is Client client
            && client.TryPass(MessageWriter.Write(new ChunkPull(key.Id, key.ChannelId!), ServerJson.Default.ChunkPull), AddressOf(waiter)) == SendResult.Full
            && table.GiveUp(client, key) is { } ended)
        {
            Fail(ended);
        }
    }

    /// <summary>What was asked of a source that is gone is asked of the next one, if there is one.</summary>
    public void Continue(PullChange pull)
    {
        if (pull.Next is { } source)
        {
            Ask(source, new ChunkKey(pull.ChannelId, pull.ChunkId), pull.Waiters.First());
        }
        else
        {
            Fail(pull);
        }
    }

    /// <summary>The same after a source of this relay has left: where it was the last one here, other relays are asked for theirs.</summary>
    public void ContinueAnywhere(PullChange pull)
    {
        if (pull.Next is null && others.IsOn && pull.Waiters.Any(waiter => waiter is Client))
        {
            _ = SearchAsync(pull);
        }
        else
        {
            Continue(pull);
        }
    }

    /// <summary>No source is left: those who wait hear that.</summary>
    public static void Fail(PullChange pull)
    {
        foreach (var waiter in pull.Waiters)
        {
            Refuse(waiter, pull.ChunkId, Availability.NoSource);
        }
    }

    public static void Refuse(Party waiter, string chunkId, Availability why)
    {
        if (waiter is RemoteWaiter relay)
        {
            relay.Answer(null);
        }
        else if (waiter is Client client && Text(why) is { } text)
        {
            SendFailure(client, chunkId, text);
        }
    }

    public static void SendFailure(Client client, string chunkId, string text) =>
        client.Send(MessageWriter.Write(new ChunkError(chunkId, text), ServerJson.Default.ChunkError));

    /// <summary>
    /// Those who waited get the chunk; gives how many did. They have asked, but when they get it others decide: who cannot take all at once that came at
    /// once is not closed for that.
    /// </summary>
    public static int Serve(ChunkKey key, byte[] data, IReadOnlyList<Party> waiters)
    {
        var served = waiters.Count;
        if (served == 0)
        {
            return 0;
        }

        using var content = new SharedMessage(MessageWriter.Write(
            new ChunkContent(key.Id, key.ChannelId!, new RawJson(data), "relay"), ServerJson.Default.ChunkContent));
        foreach (var waiter in waiters)
        {
            if (waiter is RemoteWaiter relay)
            {
                relay.Answer(data);
            }
            else if (waiter is Client client && client.Session.TrySend(content.Share()) == SendResult.Full)
            {
                Refuse(client, key.Id, Availability.TooManyPulls);
                served--;
            }
        }

        return served;
    }

    private async Task PullAsync(RemoteSource relays, ChunkKey key, IpKey address)
    {
        if (await others.PullAsync(relays.Epoch, key, address) is { } data)
        {
            Serve(key, data, table.Remote.Bring(key, relays));
        }
        else if (table.Remote.PassOn(key, relays) is { } change)
        {
            Continue(change);
        }
    }

    // Other relays ask each other by themselves.
    private async Task SearchAsync(PullChange pull)
    {
        Fail(pull with { Waiters = [.. pull.Waiters.OfType<RemoteWaiter>()] });
        var key = new ChunkKey(pull.ChannelId, pull.ChunkId);
        var elsewhere = await others.FindAsync(key);
        foreach (var client in pull.Waiters.OfType<Client>().Where(client => !client.HasLeft))
        {
            var answer = table.Request(client, client.Session.Key, key.Id, key.ChannelId!, notified: true, elsewhere);
            if (answer.Ask is { } source)
            {
                Ask(source, key, client);
            }

            if (answer.Availability != Availability.ToWaitFor)
            {
                // It may have been pushed this moment: the client asks again.
                Refuse(client, key.Id, answer.Availability == Availability.Kept ? Availability.NoSource : answer.Availability);
            }
        }
    }

    private static IpKey AddressOf(Party waiter) => waiter is RemoteWaiter relay ? relay.Address : ((Client)waiter).Session.Key;

    private static string? Text(Availability availability) => availability switch
    {
        Availability.NoSource => "No source available for chunk",
        Availability.TooManyPulls => "Too many chunk requests",
        Availability.TooManyWaiters => "Too many requests for this chunk",
        _ => null,
    };
}
