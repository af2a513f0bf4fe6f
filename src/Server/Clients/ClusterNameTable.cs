using Relay.Cluster;

namespace Relay.Clients;

/// <summary>Which names of the cluster are this relay's, or are being claimed.</summary>
internal sealed class ClusterNameTable
{
    // Every connection is followed by the whole table: paced, it is no flood.
    private const int ConfirmedAtOnce = 500;

    // NATS servers tell each other of interest a moment later than they answer: who claimed on two of them at once hears it then.
    private static readonly TimeSpan ConfirmAfter = TimeSpan.FromSeconds(1);

    private readonly ClientOptions _options;
    private readonly ClusterNode _node;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<(NameKind, string), ClusterName> _names = [];
    private readonly Queue<(ClusterName Name, long At)> _released = [];
    private readonly Queue<(ClusterName Name, long At)> _unconfirmed = [];

    public ClusterNameTable(ClientOptions options, ClusterNode node, ClusterConnection connection, TimeProvider time)
    {
        (_options, _node, _time) = (options, node, time);
        connection.Connected += ConfirmAll;
    }

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _names.Count;
            }
        }
    }

    /// <summary>
    /// Enters a claim. True: it is established already, because the name is this relay's still, since its last client has left.
    /// </summary>
    public bool TryTakeOver(ClusterName claim)
    {
        lock (_lock)
        {
            var key = (claim.Kind, claim.Name);
            if (_names.TryGetValue(key, out var kept) && kept.State == NameState.Established)
            {
                // The directory has given it to this client: the last one has released it there, if not here.
                kept.Client = claim.Client;
                Establish(kept);
                return true;
            }

            if (kept is not null)
            {
                // Of a socket that was closed while it claimed.
                kept.State = NameState.Lost;
            }

            _names[key] = claim;
            return false;
        }
    }

    /// <summary>Nobody has the name; false: somebody who claimed it earlier does, or the client has left.</summary>
    public bool TryEstablish(ClusterName claim)
    {
        lock (_lock)
        {
            if (claim.State != NameState.Claiming)
            {
                return false;
            }

            Establish(claim);
            return true;
        }
    }

    public bool IsLost(ClusterName name)
    {
        lock (_lock)
        {
            return name.State == NameState.Lost;
        }
    }

    /// <summary>False: it was lost before.</summary>
    public bool Lose(ClusterName name)
    {
        lock (_lock)
        {
            return TryLose(name);
        }
    }

    /// <summary>
    /// What is to be answered to a claim of another node, as far as the table decides. <paramref name="client"/>: who has the name, or had it before
    /// it left.
    /// </summary>
    /// <param name="establishedAt">When the other got it, if it has it; else 0.</param>
    public NameState Hear(ClusterName name, ulong epoch, long session, ulong establishedAt, out Client client)
    {
        lock (_lock)
        {
            client = name.Client;
            var gives = name.State switch
            {
                // Whoever has it wins against who claims it, and of these the first.
                NameState.Claiming => establishedAt > 0 || (epoch, session).CompareTo((_node.Epoch, client.Session.Id)) < 0,
                NameState.Established => establishedAt > 0 && (client.HasReleased || (establishedAt, epoch).CompareTo(((ulong)name.EstablishedAt, _node.Epoch)) < 0),
                _ => true,
            };
            if (gives)
            {
                TryLose(name);
            }

            return name.State;
        }
    }

    /// <summary>Gives up a name that is no longer held for its last client.</summary>
    public bool TryGiveUp(ClusterName name, Client left)
    {
        lock (_lock)
        {
            return name.Client == left && TryLose(name);
        }
    }

    /// <summary>The client of a name; null: it has left. False: the name is not this relay's.</summary>
    public bool TryGetClient(ClusterName name, out Client? client)
    {
        lock (_lock)
        {
            client = name.Client.HasLeft ? null : name.Client;
            return name.State == NameState.Established;
        }
    }

    /// <summary>The client has left. Returns the name if it is lost by that; one that may be held for its key is not.</summary>
    public ClusterName? Release(NameKind kind, string name, Client client)
    {
        lock (_lock)
        {
            if (!_names.TryGetValue((kind, name), out var held) || held.Client != client)
            {
                return null;
            }

            if (held.State == NameState.Established && kind != NameKind.Channel)
            {
                held.ReleasedAt = _time.GetTimestamp();
                _released.Enqueue((held, held.ReleasedAt));
                return null;
            }

            return TryLose(held) ? held : null;
        }
    }

    /// <summary>A name that nobody has any more, and that is not held either; null: there is none. It is lost from here on.</summary>
    public ClusterName? TakeExpired()
    {
        lock (_lock)
        {
            while (_released.TryPeek(out var oldest)
                && (_time.GetElapsedTime(oldest.At) >= _options.NameHold || _released.Count > _options.MaxHeldNames))
            {
                _released.Dequeue();
                if (oldest.Name.ReleasedAt == oldest.At && TryLose(oldest.Name))
                {
                    return oldest.Name;
                }
            }

            return null;
        }
    }

    /// <summary>Names to ask the others about, a number that is no flood.</summary>
    public IReadOnlyList<ClusterName> TakeUnconfirmed(bool isUp)
    {
        var names = new List<ClusterName>();
        lock (_lock)
        {
            while (isUp && names.Count < ConfirmedAtOnce && _unconfirmed.TryPeek(out var next) && _time.GetElapsedTime(next.At) >= ConfirmAfter)
            {
                _unconfirmed.Dequeue();
                if (next.Name.ConfirmAt == next.At && next.Name.State == NameState.Established && !next.Name.Client.HasLeft)
                {
                    names.Add(next.Name);
                }
            }
        }

        return names;
    }

    /// <summary>Whoever listens to the name has not answered, or could not be asked: it is asked again.</summary>
    public void ConfirmAgain(ClusterName name)
    {
        lock (_lock)
        {
            BeConfirmed(name);
        }
    }

    // Others may have claimed meanwhile what is this relay's.
    private void ConfirmAll()
    {
        lock (_lock)
        {
            _unconfirmed.Clear();
            foreach (var name in _names.Values)
            {
                BeConfirmed(name);
            }
        }
    }

    private void Establish(ClusterName name)
    {
        name.State = NameState.Established;
        name.EstablishedAt = _time.GetUtcNow().ToUnixTimeMilliseconds();
        name.ReleasedAt = 0;
        BeConfirmed(name);
    }

    private void BeConfirmed(ClusterName name)
    {
        name.ConfirmAt = _time.GetTimestamp();
        _unconfirmed.Enqueue((name, name.ConfirmAt));
    }

    private bool TryLose(ClusterName name)
    {
        if (name.State == NameState.Lost)
        {
            return false;
        }

        name.State = NameState.Lost;
        if (_names.GetValueOrDefault((name.Kind, name.Name)) == name)
        {
            _names.Remove((name.Kind, name.Name));
        }

        return true;
    }
}
