using Relay.Clients;
using Relay.Federation;
using Relay.Protocol;
using Relay.RateLimiting;

namespace Relay.Rendezvous;

/// <summary>
/// register_rendezvous. A socket waits for its own registration to be on the disk, and no thread waits with it: what was
/// answered is kept.
/// </summary>
internal sealed class RendezvousHandler(
    RendezvousStore store,
    ClientDirectory presence,
    RemoteHolders remote,
    HolderPseudonyms pseudonyms,
    Sessions.ClientSessionOptions sessions,
    FederationRing ring)
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
        var away = TakeAway(ref request);
        var otherName = (name == client.PeerId ? client.Code : client.PeerId) ?? name;
        return new ValueTask(RegisterAsync(
            client, new Registration(OwnerOf(client, name), OwnerOf(client, otherName), client.Session.Id, pseudonyms.Of(client.Session.Key), request) { Away = away }));
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
        client.Session.IsRepeatable = store.IsRepeatable;
        Findings found;
        try
        {
            found = await store.RegisterAsync(registration);
        }
        finally
        {
            client.Session.IsRepeatable = false;
        }

        var matches = Present(found.Tokens, await remote.FindAsync(found.Tokens));
        var answer = Answer(matches, found.Drops, registration.Away);
        store.CountFound(matches.Count, found.Drops.Count);
        client.Send(answer);
        var own = new LiveMatch(registration.Name.Name, registration.Request.RelayId);
        foreach (var other in matches.Select(match => match.Client).OfType<Client>())
        {
            other.Pass(MessageWriter.Write(new RendezvousMatch(own), ServerJson.Default.RendezvousMatch), client);
        }

        remote.Tell([.. matches.Where(match => match.Client is null).Select(match => match.Token)], own, client.Session.Key);
    }

    /// <summary>Takes out of the request what belongs to other servers of the federation.</summary>
    private IReadOnlyList<RendezvousRedirect> TakeAway(ref RendezvousRequest request)
    {
        if (ring.IsAlone)
        {
            return [];
        }

        var route = ring.Route([.. request.Points.Select(point => point.Hash)], request.Tokens);
        if (route.Redirects.Count == 0)
        {
            return [];
        }

        var local = route.Points.ToHashSet(StringComparer.Ordinal);
        request = request with { Points = [.. request.Points.Where(point => local.Contains(point.Hash))], Tokens = route.Tokens };
        return [.. route.Redirects.Select(redirect => new RendezvousRedirect(redirect.ServerId, redirect.Endpoint, redirect.DailyPoints, redirect.HourlyTokens))];
    }

    private RowOwner OwnerOf(Client client, string name) =>
        new(name, pseudonyms.Of(name == client.PeerId ? $"peer:{client.PeerKey}" : $"code:{client.PublicKey}"));

    /// <summary>The connected peers, each once. A name alone is not enough: it may belong to another socket by now.</summary>
    /// <param name="there">Those that are connected to other relays.</param>
    private List<(HeldToken Token, Client? Client)> Present(List<HeldToken> tokens, HashSet<HeldToken> there)
    {
        var seen = new HashSet<(long, long)>();
        return [.. from token in tokens
            let client = token.Start == 0 ? presence.Find(token.PeerId, token.Owner) : null
            where (client is not null || there.Contains(token)) && seen.Add((token.Start, token.Owner))
            select (token, client)];
    }

    /// <summary>
    /// The answer. What would not fit into half of the outgoing queue is omitted from it and from the lists: a flooded point must
    /// not close the sockets of others.
    /// </summary>
    private EncodedMessage Answer(
        List<(HeldToken Token, Client? Client)> matches, List<FoundDrop> drops, IReadOnlyList<RendezvousRedirect> redirects)
    {
        while (true)
        {
            List<LiveMatch> live = [.. matches.Select(match => new LiveMatch(match.Token.PeerId, match.Token.RelayId))];
            var answer = redirects.Count > 0
                ? MessageWriter.Write(new RendezvousPartial(new RendezvousLocal(live, drops), redirects), ServerJson.Default.RendezvousPartial)
                : MessageWriter.Write(new RendezvousResult(live, drops), ServerJson.Default.RendezvousResult);
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
