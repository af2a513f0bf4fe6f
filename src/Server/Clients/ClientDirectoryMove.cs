using Relay.Addresses;
using Relay.Protocol.Moving;

namespace Relay.Clients;

/// <summary>Names when their clients move to another process.</summary>
internal sealed partial class ClientDirectory
{
    /// <summary>The names that are held, the oldest first.</summary>
    public IReadOnlyList<MovedHeldName> SaveHeld(MovedTime time)
    {
        lock (_lock)
        {
            return [.. Save(_heldCodes, isPeerId: false), .. Save(_heldPeerIds, isPeerId: true)];
        }

        IEnumerable<MovedHeldName> Save(HeldNames held, bool isPeerId) => held.All.Select(name => new MovedHeldName
        {
            IsPeerId = isPeerId,
            Name = name.Name,
            Key = name.Key,
            Address = MovedAddresses.ToMessage(name.Address),
            Held = time.AgeOf(name.Since),
        });
    }

    /// <summary>A name that is held for its key, unless somebody has it.</summary>
    public void RestoreHeld(MovedHeldName held, MovedTime time)
    {
        lock (_lock)
        {
            if (held.IsPeerId ? !_peerIds.ContainsKey(held.Name) : PairingCode.TryNumber(held.Name, out var number) && !_codes.ContainsKey(number))
            {
                (held.IsPeerId ? _heldPeerIds : _heldCodes).Hold(
                    held.Name, held.Key, MovedAddresses.Read(held.Address), held.Held == 0 ? time.Now : time.TimestampOf(held.Held));
            }
        }
    }

    /// <summary>The names of a client that has moved.</summary>
    public void Restore(Client client, MovedIdentity identity)
    {
        lock (_lock)
        {
            if (identity.HasCode && PairingCode.TryNumber(identity.Code, out var number) && _codes.TryAdd(number, client))
            {
                client.Code = identity.Code;
                client.Session.AddRegistration();
                _peakCodes = Math.Max(_peakCodes, _codes.Count);
            }

            if (identity.PublicKey.Length > 0)
            {
                client.PublicKey = identity.PublicKey;
            }

            if (identity.HasPeerId && _peerIds.TryAdd(identity.PeerId, client))
            {
                client.PeerId = identity.PeerId;
                client.Session.AddRegistration();
            }

            client.PeerKey = identity.HasPeerKey ? identity.PeerKey : null;
        }
    }
}
