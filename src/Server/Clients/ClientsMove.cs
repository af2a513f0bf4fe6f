using Relay.Addresses;
using Relay.Protocol.Moving;
using Relay.Sessions;

namespace Relay.Clients;

/// <summary>Who clients are, by name, and the names that are held for whoever is gone or has stayed behind.</summary>
internal sealed class ClientsMove(SessionTable sessions, ClientDirectory directory, ClientSessionOptions options, ClientRates rates) : IMovable
{
    public void Write(Departure departure)
    {
        foreach (var session in sessions.All.Where(session => departure.Takes(session.Id)))
        {
            departure.Write(new MovedPart { Identity = Client.Of(session).Save(departure.Time, options, rates.PerMinute) });
        }

        foreach (var name in directory.SaveHeld(departure.Time))
        {
            departure.Write(new MovedPart { HeldName = name });
        }

        // Whoever has to come again finds his name.
        foreach (var session in sessions.All.Where(session => !departure.Takes(session.Id)))
        {
            if (session.State is Client { HasReleased: false } client)
            {
                WriteHeld(departure, client);
            }
        }
    }

    public bool TryRead(MovedPart part, Arrivals arrivals)
    {
        if (part.HeldName is { } name)
        {
            directory.RestoreHeld(name, arrivals.Time);
        }
        else if (part.Identity is { } identity)
        {
            if (arrivals.Find<Session>(identity.Session) is { } session)
            {
                var client = new Client(session);
                session.State = client;
                client.Restore(identity, arrivals.Time, options);
                directory.Restore(client, identity);
            }
        }
        else
        {
            return false;
        }

        return true;
    }

    private static void WriteHeld(Departure departure, Client client)
    {
        var address = MovedAddresses.ToMessage(client.Session.Key);
        if (client.Code is { } code)
        {
            departure.Write(new MovedPart { HeldName = new MovedHeldName { Name = code, Key = client.PublicKey, Address = address } });
        }

        if (client is { PeerId: { } peerId, PeerKey: { } key })
        {
            departure.Write(new MovedPart { HeldName = new MovedHeldName { IsPeerId = true, Name = peerId, Key = key, Address = address } });
        }
    }
}

/// <summary>How often a client may do what features count in its own buckets: the clients know of no feature.</summary>
/// <param name="PerMinute">Pair requests, upstream messages.</param>
internal sealed record ClientRates((int Pair, int Upstream) PerMinute);

/// <summary>Finds clients among those who have come.</summary>
internal static class ArrivedClients
{
    /// <summary>Null: the client has not come.</summary>
    public static Client? ClientOf(this Arrivals arrivals, long session) => arrivals.Find<Session>(session)?.State as Client;
}
