using Relay.Sessions;

namespace Relay.Signaling;

/// <summary>What became of a registration.</summary>
internal enum CodeRegistration
{
    Registered,

    /// <summary>The socket holds another code already.</summary>
    OtherCode,

    /// <summary>Another socket holds this code.</summary>
    Collision,
}

/// <summary>Which socket holds which pairing code, and its key. A socket holds at most one.</summary>
internal sealed class PairingCodes
{
    private readonly Lock _lock = new();

    // Guarded by _lock, all of the following.
    private readonly Dictionary<string, (Client Client, string PublicKey)> _codes = new(StringComparer.Ordinal);
    private int _peak;
    private long _registrations;
    private long _collisions;

    public CodeRegistration Register(string code, string publicKey, Client client)
    {
        lock (_lock)
        {
            if (client.Code is { } own && own != code)
            {
                return CodeRegistration.OtherCode;
            }

            if (client.Code is null && _codes.ContainsKey(code))
            {
                _collisions++;
                return CodeRegistration.Collision;
            }

            if (client.Code is null)
            {
                client.Code = code;
                client.Session.Hold();
            }

            _codes[code] = (client, publicKey);
            _registrations++;
            _peak = Math.Max(_peak, _codes.Count);
            return CodeRegistration.Registered;
        }
    }

    public bool TryFind(string code, out Client client, out string publicKey)
    {
        lock (_lock)
        {
            var found = _codes.TryGetValue(code, out var entry);
            (client, publicKey) = entry;
            return found;
        }
    }

    /// <summary>Frees the client's code, and says which it was.</summary>
    public string? Remove(Client client)
    {
        lock (_lock)
        {
            if (client.Code is not { } code)
            {
                return null;
            }

            _codes.Remove(code);
            client.Code = null;
            client.Session.Unhold();
            return code;
        }
    }

    public CodeFigures Figures()
    {
        lock (_lock)
        {
            return new CodeFigures(_codes.Count, _peak, _registrations, _collisions);
        }
    }
}

/// <summary>How full the space of codes is.</summary>
internal readonly record struct CodeFigures(int Active, int Peak, long Registrations, long Collisions)
{
    /// <summary>Thresholds of the reference network.</summary>
    public string CollisionRisk => Active switch
    {
        < 10_000 => "low",
        < 30_000 => "medium",
        _ => "high",
    };
}
