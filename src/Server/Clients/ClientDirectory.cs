using System.Diagnostics.CodeAnalysis;

namespace Relay.Clients;

/// <summary>What became of a socket's claim to a name.</summary>
internal enum Claim
{
    Taken,

    /// <summary>The socket holds this very name already.</summary>
    Own,

    /// <summary>The socket holds another name of this kind.</summary>
    HasAnother,

    /// <summary>Another socket holds the name, or it is held for another key.</summary>
    HeldByAnother,
}

/// <summary>
/// Who is here, by name. A socket holds at most one pairing code and one peer id, and each of these belongs to one socket.
/// Codes and peer ids are apart: registering a peer id tells nothing about codes, and nothing that is meant for a code is
/// found by a peer id. A name whose socket is gone is held for its key a while.
/// </summary>
internal sealed partial class ClientDirectory
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<int, Client> _codes = [];
    private readonly Dictionary<string, Client> _peerIds = new(StringComparer.Ordinal);
    private readonly HeldNames _heldCodes;
    private readonly HeldNames _heldPeerIds;
    private int _peakCodes;
    private long _codeRegistrations;
    private long _collisions;

    public ClientDirectory(ClientOptions options, TimeProvider time)
    {
        _heldCodes = new HeldNames(options, time);
        _heldPeerIds = new HeldNames(options, time);
    }

    /// <summary>
    /// Claims a pairing code, or takes a new key for the socket's own. <paramref name="holder"/>: the other socket that has it, if it has
    /// the same key and may be asked whether it is still there; the claim is decided then.
    /// </summary>
    /// <param name="isProvisional">Until <see cref="TryConfirm"/> the client is not found by the code.</param>
    public Claim ClaimCode(Client client, string code, string key, out Client? holder, bool isProvisional = false)
    {
        var number = NumberOf(code);
        lock (_lock)
        {
            var claim = client.Code is { } own ? (own == code ? Claim.Own : Claim.HasAnother)
                : Find(_codes.GetValueOrDefault(number), _heldCodes, client, code, key);
            holder = claim is Claim.HeldByAnother && _codes.TryGetValue(number, out var other) && other.PublicKey == key ? other : null;
            switch (claim)
            {
                case Claim.HasAnother:
                    return claim;
                case Claim.HeldByAnother:
                    _collisions += holder is null ? 1 : 0;
                    return claim;
                case Claim.Taken:
                    Take(_codes, number, _heldCodes, client, code);
                    client.Code = code;
                    client.Claiming = isProvisional ? NameKind.Code : NameKind.None;
                    break;
            }

            client.PublicKey = key;
            _codeRegistrations++;
            _peakCodes = Math.Max(_peakCodes, _codes.Count);
            return claim;
        }
    }

    /// <summary>A code's holder was asked and has answered.</summary>
    public Claim CountCollision()
    {
        lock (_lock)
        {
            _collisions++;
            return Claim.HeldByAnother;
        }
    }

    /// <summary>
    /// Claims a peer id, or takes a new key for the socket's own. Unlike with codes, that another holds it is reported before that the socket has one already.
    /// </summary>
    /// <param name="isProvisional">Until <see cref="TryConfirm"/>.</param>
    public Claim ClaimPeerId(Client client, string peerId, string? key, out Client? holder, bool isProvisional = false)
    {
        lock (_lock)
        {
            var claim = Find(_peerIds.GetValueOrDefault(peerId), _heldPeerIds, client, peerId, key);
            holder = claim is Claim.HeldByAnother && key is not null && client.PeerId is null
                && _peerIds.TryGetValue(peerId, out var other) && other.PeerKey == key ? other : null;
            if (claim is Claim.Taken && client.PeerId is not null)
            {
                return Claim.HasAnother;
            }

            if (claim is Claim.Taken)
            {
                Take(_peerIds, peerId, _heldPeerIds, client, peerId);
                client.PeerId = peerId;
                client.Claiming = isProvisional ? NameKind.PeerId : NameKind.None;
            }

            if (claim is not Claim.HeldByAnother)
            {
                client.PeerKey = key;
            }

            return claim;
        }
    }

    /// <summary>No other relay has the name that the client claims; false: the client has left meanwhile.</summary>
    public bool TryConfirm(Client client)
    {
        lock (_lock)
        {
            client.Claiming = NameKind.None;
            return !client.HasReleased;
        }
    }

    /// <summary>Another relay has the name that the client claims: it was never the client's.</summary>
    public void Withdraw(Client client, NameKind kind)
    {
        lock (_lock)
        {
            client.Claiming = NameKind.None;
            if (kind == NameKind.Code)
            {
                _collisions += client.HasReleased ? 0 : 1;
                _codeRegistrations--;
                RemoveCode(client, isHeld: false);
            }
            else
            {
                RemovePeerId(client, isHeld: false);
            }
        }
    }

    /// <summary>Gives a name that was held for its key to a client of another relay with that key; false: it is held for another, or somebody has it.</summary>
    public bool TryFree(NameKind kind, string name, string? key)
    {
        lock (_lock)
        {
            var held = kind == NameKind.Code ? _heldCodes : _heldPeerIds;
            var isTaken = kind == NameKind.Code ? _codes.ContainsKey(NumberOf(name)) : _peerIds.ContainsKey(name);
            if (isTaken || held.IsHeldForAnother(name, key))
            {
                return false;
            }

            held.Free(name);
            return true;
        }
    }

    /// <summary>The socket that is registered with the pairing code of this number.</summary>
    public bool TryFindCode(int number, [NotNullWhen(true)] out Client? client)
    {
        lock (_lock)
        {
            return _codes.TryGetValue(number, out client) && !client.HasLeft && client.Claiming != NameKind.Code;
        }
    }

    /// <summary>The socket that is registered with this pairing code.</summary>
    public bool TryFindCode(string code, [NotNullWhen(true)] out Client? client) => TryFindCode(NumberOf(code), out client);

    /// <summary>The client of this session, if it still goes by this name, be it a code or a peer id.</summary>
    public Client? Find(string name, long session)
    {
        lock (_lock)
        {
            return (PairingCode.TryNumber(name, out var number) ? IsIt(_codes.GetValueOrDefault(number)) : null) ?? IsIt(_peerIds.GetValueOrDefault(name));
        }

        Client? IsIt(Client? client) => client is { HasLeft: false } && client.Session.Id == session ? client : null;
    }

    /// <summary>
    /// The client is leaving: it is not found any more, and its names stay its own until <see cref="Release"/>. In between the
    /// features forget it, so that what is theirs by name can never be a successor's.
    /// </summary>
    public void BeginLeave(Client client)
    {
        lock (_lock)
        {
            client.MarkLeft();
        }
    }

    /// <summary>Frees the client's names. They are held for their keys; to a socket with the same key they may belong at once.</summary>
    public void Release(Client client)
    {
        lock (_lock)
        {
            RemoveCode(client, isHeld: client.Claiming != NameKind.Code);
            RemovePeerId(client, isHeld: client.Claiming != NameKind.PeerId);
            client.HasReleased = true;
        }
    }

    public ClientCounts Counts()
    {
        lock (_lock)
        {
            return new ClientCounts(_codes.Count, _peakCodes, _codeRegistrations, _collisions, _peerIds.Count);
        }
    }

    private void RemoveCode(Client client, bool isHeld)
    {
        if (client.Code is { } code)
        {
            _codes.Remove(NumberOf(code));
            if (isHeld)
            {
                _heldCodes.Hold(code, client.PublicKey, client.Session.Key);
            }

            client.Code = null;
            client.Session.RemoveRegistration();
        }
    }

    private void RemovePeerId(Client client, bool isHeld)
    {
        if (client.PeerId is { } peerId)
        {
            _peerIds.Remove(peerId);
            if (isHeld && client.PeerKey is { } key)
            {
                _heldPeerIds.Hold(peerId, key, client.Session.Key);
            }

            client.PeerId = null;
            client.Session.RemoveRegistration();
        }
    }

    private static Claim Find(Client? holder, HeldNames held, Client client, string name, string? key) =>
        holder is not null ? (holder == client ? Claim.Own : Claim.HeldByAnother)
        : held.IsHeldForAnother(name, key) ? Claim.HeldByAnother
        : Claim.Taken;

    private static void Take<TName>(Dictionary<TName, Client> names, TName key, HeldNames held, Client client, string name)
        where TName : notnull
    {
        held.Free(name);
        names.Add(key, client);
        client.Session.AddRegistration();
    }

    private static int NumberOf(string code) =>
        PairingCode.TryNumber(code, out var number) ? number : throw new ArgumentException($"{code} is no pairing code", nameof(code));
}

/// <summary>How many names are held, and how full the space of codes is.</summary>
internal readonly record struct ClientCounts(int Codes, int PeakCodes, long CodeRegistrations, long Collisions, int PeerIds)
{
    /// <summary>Thresholds of the reference network.</summary>
    public string CollisionRisk => Codes switch
    {
        < 10_000 => "low",
        < 30_000 => "medium",
        _ => "high",
    };
}
