using Relay.Clients;
using Relay.Protocol.Moving;

namespace Relay.Signaling;

/// <summary>
/// Which sockets were matched or linked with each other. Kept only where it decides something
/// (<see cref="SignalingOptions.RequireMatch"/>), and forgotten when either socket leaves.
/// </summary>
internal sealed class MatchTable(SignalingOptions options)
{
    private readonly Lock _lock = new();

    // Guarded by _lock. Oldest partner first; each pair stands in both lists.
    private readonly Dictionary<Party, List<Party>> _partners = [];
    private int _pairs;

    /// <summary>Pairs that are remembered.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _pairs;
            }
        }
    }

    /// <summary>Remembers a pair; a socket that has too many partners forgets its oldest.</summary>
    public void Add(Party one, Party other)
    {
        if (!options.RequireMatch)
        {
            return;
        }

        lock (_lock)
        {
            // A client is marked before it is forgotten: one with the mark would be remembered for ever.
            if (one.HasLeft || other.HasLeft)
            {
                return;
            }

            Part(one, other);
            MakeRoom(one);
            MakeRoom(other);
            PartnersOf(one).Add(other);
            PartnersOf(other).Add(one);
            _pairs++;
        }
    }

    /// <summary>Whether one may send to the other.</summary>
    public bool Allows(Party from, Party to)
    {
        if (!options.RequireMatch)
        {
            return true;
        }

        lock (_lock)
        {
            return _partners.TryGetValue(from, out var partners) && partners.Contains(to);
        }
    }

    /// <summary>Forgets every pair that the client is in.</summary>
    public void Forget(Party client)
    {
        lock (_lock)
        {
            foreach (var partner in _partners.GetValueOrDefault(client)?.ToArray() ?? [])
            {
                Part(client, partner);
            }
        }
    }

    /// <summary>Forgets the clients of a relay of the cluster that is gone.</summary>
    public void ForgetNode(ulong epoch)
    {
        lock (_lock)
        {
            foreach (var party in _partners.Keys.Where(party => party is RemoteClient remote && remote.Epoch == epoch).ToArray())
            {
                foreach (var partner in _partners.GetValueOrDefault(party)?.ToArray() ?? [])
                {
                    Part(party, partner);
                }
            }
        }
    }

    /// <summary>With whom each client was matched.</summary>
    public IReadOnlyList<MovedMatches> Save()
    {
        lock (_lock)
        {
            return [.. from pair in _partners
                where pair.Key is Client
                select new MovedMatches
                {
                    Session = ((Client)pair.Key).Session.Id,
                    Partners = { pair.Value.OfType<Client>().Select(partner => partner.Session.Id) },
                }];
        }
    }

    /// <summary>With whom a client was matched in another process. Of each of them the same is said.</summary>
    public void Restore(Client client, IReadOnlyList<Client> partners)
    {
        if (!options.RequireMatch || partners.Count == 0)
        {
            return;
        }

        lock (_lock)
        {
            _pairs += partners.Count(partner => !_partners.ContainsKey(partner));
            _partners[client] = [.. partners];
        }
    }

    private void MakeRoom(Party client)
    {
        if (_partners.TryGetValue(client, out var partners) && partners.Count >= options.MatchesPerSocket)
        {
            Part(client, partners[0]);
        }
    }

    private void Part(Party one, Party other)
    {
        if (Remove(one, other))
        {
            Remove(other, one);
            _pairs--;
        }
    }

    private bool Remove(Party client, Party partner)
    {
        if (!_partners.TryGetValue(client, out var partners) || !partners.Remove(partner))
        {
            return false;
        }

        if (partners.Count == 0)
        {
            _partners.Remove(client);
        }

        return true;
    }

    private List<Party> PartnersOf(Party client)
    {
        if (!_partners.TryGetValue(client, out var partners))
        {
            _partners.Add(client, partners = []);
        }

        return partners;
    }
}
