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

    /// <summary>Another socket holds the name.</summary>
    HeldByAnother,
}

/// <summary>
/// Who is here, by name. A socket holds at most one pairing code and one peer id, and every name belongs to one socket,
/// whichever kind it is: nobody can take another's code for a peer id and read what is meant for it.
/// </summary>
internal sealed class ClientDirectory
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, Client> _names;
    private readonly Dictionary<string, Client>.AlternateLookup<ReadOnlySpan<char>> _bySpan;
    private int _codes;
    private int _peerIds;
    private int _peakCodes;
    private long _codeRegistrations;
    private long _collisions;

    public ClientDirectory()
    {
        _names = new Dictionary<string, Client>(StringComparer.Ordinal);
        _bySpan = _names.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    /// <summary>Claims a pairing code, or takes a new key for the socket's own.</summary>
    public Claim ClaimCode(Client client, string code, string publicKey)
    {
        lock (_lock)
        {
            var claim = ClaimName(client, client.Code, code);
            if (claim is Claim.HeldByAnother)
            {
                _collisions++;
            }
            else if (claim is not Claim.HasAnother)
            {
                if (claim is Claim.Taken)
                {
                    client.Code = code;
                    _codes++;
                }

                client.PublicKey = publicKey;
                _codeRegistrations++;
                _peakCodes = Math.Max(_peakCodes, _codes);
            }

            return claim;
        }
    }

    /// <summary>Claims a peer id. Unlike with codes, whether another holds it is told before whether the socket has one already.</summary>
    public Claim ClaimPeerId(Client client, string peerId)
    {
        lock (_lock)
        {
            var claim = IsHeldByAnother(client, peerId) ? Claim.HeldByAnother : ClaimName(client, client.PeerId, peerId);
            if (claim is Claim.Taken)
            {
                client.PeerId = peerId;
                _peerIds++;
            }

            return claim;
        }
    }

    /// <summary>The socket that is registered with this pairing code.</summary>
    public bool TryFindCode(ReadOnlySpan<char> code, [NotNullWhen(true)] out Client? client)
    {
        lock (_lock)
        {
            return _bySpan.TryGetValue(code, out client) && !client.HasLeft && code.SequenceEqual(client.Code);
        }
    }

    /// <summary>The socket that goes by this name, be it a peer id or a code.</summary>
    public Client? Find(string name)
    {
        lock (_lock)
        {
            return _names.GetValueOrDefault(name) is { HasLeft: false } client ? client : null;
        }
    }

    /// <summary>
    /// The client is leaving: nobody finds it any more, and nobody gets its names until <see cref="Free"/>. In between the
    /// features forget it, so that what is theirs by name can never be a successor's.
    /// </summary>
    public void Hide(Client client)
    {
        lock (_lock)
        {
            client.HasLeft = true;
        }
    }

    /// <summary>Frees the client's names. They may be another's at once.</summary>
    public void Free(Client client)
    {
        lock (_lock)
        {
            if (client.Code is { } code)
            {
                _codes--;
                _names.Remove(code);
                client.Code = null;
                client.Session.RemoveRegistration();
            }

            if (client.PeerId is { } peerId)
            {
                _names.Remove(peerId);
                _peerIds--;
                client.PeerId = null;
                client.Session.RemoveRegistration();
            }
        }
    }

    public ClientTotals Figures()
    {
        lock (_lock)
        {
            return new ClientTotals(_codes, _peakCodes, _codeRegistrations, _collisions, _peerIds);
        }
    }

    private Claim ClaimName(Client client, string? own, string name)
    {
        if (own == name)
        {
            return Claim.Own;
        }

        if (own is not null)
        {
            return Claim.HasAnother;
        }

        if (IsHeldByAnother(client, name))
        {
            return Claim.HeldByAnother;
        }

        _names[name] = client;
        client.Session.AddRegistration();
        return Claim.Taken;
    }

    private bool IsHeldByAnother(Client client, string name) => _names.TryGetValue(name, out var holder) && holder != client;
}

/// <summary>How many names are held, and how full the space of codes is.</summary>
internal readonly record struct ClientTotals(int Codes, int PeakCodes, long CodeRegistrations, long Collisions, int PeerIds)
{
    /// <summary>Thresholds of the reference network.</summary>
    public string CollisionRisk => Codes switch
    {
        < 10_000 => "low",
        < 30_000 => "medium",
        _ => "high",
    };
}
