namespace Relay.Clients;

/// <summary>
/// Claims to names. Who comes with the key of the socket that has the name has that socket pinged: a client whose
/// network has changed gets its name back in seconds, and nobody takes it from a client that is there.
/// </summary>
internal sealed class NameClaims(ClientDirectory directory, SilentHolders silent)
{
    /// <summary>Claims a pairing code, or takes a new key for the socket's own. The socket gets no other answer until this is done.</summary>
    public ValueTask<Claim> ClaimCodeAsync(Client client, string code, string key)
    {
        var claim = directory.ClaimCode(client, code, key, out var holder);
        return holder is null ? ValueTask.FromResult(claim) : AskFirstAsync();

        async ValueTask<Claim> AskFirstAsync() =>
            await silent.HasGoneAsync(holder, client) ? directory.ClaimCode(client, code, key, out _) : directory.CountCollision();
    }

    /// <summary>Claims a peer id. With a key it is held for that key.</summary>
    public ValueTask<Claim> ClaimPeerIdAsync(Client client, string peerId, string? key)
    {
        var claim = directory.ClaimPeerId(client, peerId, key, out var holder);
        return holder is null ? ValueTask.FromResult(claim) : AskFirstAsync();

        async ValueTask<Claim> AskFirstAsync() =>
            await silent.HasGoneAsync(holder, client) ? directory.ClaimPeerId(client, peerId, key, out _) : Claim.HeldByAnother;
    }
}
