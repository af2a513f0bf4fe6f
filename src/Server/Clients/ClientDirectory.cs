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
internal sealed class ClientDirectory
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, Client> _codes = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Client>.AlternateLookup<ReadOnlySpan<char>> _codesBySpan;
    private readonly Dictionary<string, Client> _peerIds = new(StringComparer.Ordinal);
    private readonly HeldNames _heldCodes;
    private readonly HeldNames _heldPeerIds;
    private int _peakCodes;
    private long _codeRegistrations;
    private long _collisions;

    public ClientDirectory(ClientOptions options, TimeProvider time)
    {
        _codesBySpan = _codes.GetAlternateLookup<ReadOnlySpan<char>>();
        _heldCodes = new HeldNames(options, time);
        _heldPeerIds = new HeldNames(options, time);
    }

    /// <summary>
    /// Claims a pairing code, or takes a new key for the socket's own. <paramref name="holder"/>: the other socket that has it, if it has
    /// the same key and may be asked whether it is still there; the claim is decided then.
    /// </summary>
    public Claim ClaimCode(Client client, string code, string key, out Client? holder)
    {
        lock (_lock)
        {
            var claim = client.Code is { } own ? (own == code ? Claim.Own : Claim.HasAnother) : Find(_codes, _heldCodes, client, code, key);
            holder = claim is Claim.HeldByAnother && _codes.TryGetValue(code, out var other) && other.PublicKey == key ? other : null;
            switch (claim)
            {
                case Claim.HasAnother:
                    return claim;
                case Claim.HeldByAnother:
                    _collisions += holder is null ? 1 : 0;
                    return claim;
                case Claim.Taken:
                    Take(_codes, _heldCodes, client, code);
                    client.Code = code;
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
    public Claim ClaimPeerId(Client client, string peerId, string? key, out Client? holder)
    {
        lock (_lock)
        {
            var claim = Find(_peerIds, _heldPeerIds, client, peerId, key);
            holder = claim is Claim.HeldByAnother && key is not null && client.PeerId is null
                && _peerIds.TryGetValue(peerId, out var other) && other.PeerKey == key ? other : null;
            if (claim is Claim.Taken && client.PeerId is not null)
            {
                return Claim.HasAnother;
            }

            if (claim is Claim.Taken)
            {
                Take(_peerIds, _heldPeerIds, client, peerId);
                client.PeerId = peerId;
            }

            if (claim is not Claim.HeldByAnother)
            {
                client.PeerKey = key;
            }

            return claim;
        }
    }

    /// <summary>The socket that is registered with this pairing code.</summary>
    public bool TryFindCode(ReadOnlySpan<char> code, [NotNullWhen(true)] out Client? client)
    {
        lock (_lock)
        {
            return _codesBySpan.TryGetValue(code, out client) && !client.HasLeft;
        }
    }

    /// <summary>The client of this session, if it still goes by this name, be it a code or a peer id.</summary>
    public Client? Find(string name, long session)
    {
        lock (_lock)
        {
            return IsIt(_codes.GetValueOrDefault(name)) ?? IsIt(_peerIds.GetValueOrDefault(name));
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
            client.HasLeft = true;
        }
    }

    /// <summary>Frees the client's names. They are held for their keys; to a socket with the same key they may belong at once.</summary>
    public void Release(Client client)
    {
        lock (_lock)
        {
            if (client.Code is { } code)
            {
                _codes.Remove(code);
                _heldCodes.Hold(code, client.PublicKey, client.Session.Key);
                client.Code = null;
                client.Session.RemoveRegistration();
            }

            if (client.PeerId is { } peerId)
            {
                _peerIds.Remove(peerId);
                if (client.PeerKey is { } key)
                {
                    _heldPeerIds.Hold(peerId, key, client.Session.Key);
                }

                client.PeerId = null;
                client.Session.RemoveRegistration();
            }

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

    private static Claim Find(Dictionary<string, Client> names, HeldNames held, Client client, string name, string? key) =>
        names.TryGetValue(name, out var holder) ? (holder == client ? Claim.Own : Claim.HeldByAnother)
        : held.IsHeldForAnother(name, key) ? Claim.HeldByAnother
        : Claim.Taken;

    private static void Take(Dictionary<string, Client> names, HeldNames held, Client client, string name)
    {
        held.Free(name);
        names.Add(name, client);
        client.Session.AddRegistration();
    }
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
