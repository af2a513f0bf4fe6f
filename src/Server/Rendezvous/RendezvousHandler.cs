using Relay.Clients;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Rendezvous;

/// <summary>
/// register_rendezvous. A socket waits for its own registration to be on the disk, and no thread waits with it: what was
/// answered is kept.
/// </summary>
internal sealed class RendezvousHandler(
    RendezvousStore store, ClientDirectory presence, HolderPseudonyms pseudonyms, Sessions.ClientSessionOptions sessions)
{
    public ValueTask RegisterAsync(Client client, in ClientMessage message)
    {
        if (client.Name is null)
        {
            client.SendError("Not registered. Send register message first.");
            return ValueTask.CompletedTask;
        }

        if (RendezvousRequest.TryRead(message, out var request) is { } error)
        {
            client.SendError(error);
            return ValueTask.CompletedTask;
        }

        var name = client.NameIn(message)!;
        var otherName = (name == client.PeerId ? client.Code : client.PeerId) ?? name;
        return new ValueTask(RegisterAsync(
            client, new Registration(OwnerOf(client, name), OwnerOf(client, otherName), client.Session.Id, pseudonyms.Of(client.Session.Key), request)));
    }

    /// <summary>
    /// Its tokens go; its points and dead drops stay. What it has put down is written by now, because a session ends after its
    /// last message was handled; and what a successor to its names puts down is written later.
    /// </summary>
    public void Leave(Client client)
    {
        if (client.HoldsTokens)
        {
            // Not awaited. If it fails, the rows match no session: they are valid for this one only.
            _ = store.RemoveTokensAsync(client.Session.Id, [.. new[] { client.PeerId, client.Code }.OfType<string>()]);
        }
    }

    private async Task RegisterAsync(Client client, Registration registration)
    {
        client.HoldsTokens |= registration.Request.Tokens.Count > 0;
        var found = await store.RegisterAsync(registration);
        var matches = Present(found.Tokens);
        var answer = Answer(matches, found.Drops);
        store.CountFound(matches.Count, found.Drops.Count);
        client.Send(answer);
        foreach (var (other, _) in matches)
        {
            other.Send(MessageWriter.Write(
                new RendezvousMatch(new LiveMatch(registration.Name.Name, registration.Request.RelayId)), ServerJson.Default.RendezvousMatch));
        }
    }

    private RowOwner OwnerOf(Client client, string name) =>
        new(name, pseudonyms.Of(name == client.PeerId ? $"peer:{client.PeerKey}" : $"code:{client.PublicKey}"));

    /// <summary>The connected peers, each once. A name alone is not enough: it may belong to another socket by now.</summary>
    private List<(Client Client, LiveMatch Match)> Present(List<HeldToken> tokens)
    {
        var seen = new HashSet<long>();
        return [.. from token in tokens
            let client = presence.Find(token.PeerId, token.Owner)
            where client is not null && seen.Add(token.Owner)
            select (client, new LiveMatch(token.PeerId, token.RelayId))];
    }

    /// <summary>
    /// The answer. What would not fit into half of the outgoing queue is omitted from it and from the lists: a flooded point must
    /// not close the sockets of others.
    /// </summary>
    private EncodedMessage Answer(List<(Client Client, LiveMatch Match)> matches, List<FoundDrop> drops)
    {
        while (true)
        {
            var answer = MessageWriter.Write(
                new RendezvousResult([.. matches.Select(match => match.Match)], drops), ServerJson.Default.RendezvousResult);
            if (answer.Length <= sessions.QueueBytes / 2 || (matches.Count == 0 && drops.Count == 0))
            {
                return answer;
            }

            answer.Return();
            matches.RemoveRange(matches.Count / 2, matches.Count - (matches.Count / 2));
            drops.RemoveRange(drops.Count / 2, drops.Count - (drops.Count / 2));
        }
    }
}
