namespace Relay.Clients;

/// <summary>
/// Claims to names. Who comes with the key of the socket that has the name has that socket pinged: a client whose
/// network has changed gets its name back in seconds, and nobody takes it from a client that is there. What is free here may be another
/// relay's of the cluster, so that these are asked next.
/// </summary>
internal sealed class NameClaims(ClientDirectory directory, SilentHolders silent, ClusterNames cluster)
{
    /// <summary>Claims a pairing code, or takes a new key for the socket's own. The socket gets no other answer until this is done.</summary>
    public ValueTask<Claim> ClaimCodeAsync(Client client, string code, string key)
    {
        var claim = directory.ClaimCode(client, code, key, out var holder, cluster.IsOn);
        return holder is not null ? AskFirstAsync() : InClusterAsync(claim, NameKind.Code, code, key, client);

        async ValueTask<Claim> AskFirstAsync() => await silent.HasGoneAsync(holder, client.Session.ConnectionClosed)
            ? await InClusterAsync(directory.ClaimCode(client, code, key, out _, cluster.IsOn), NameKind.Code, code, key, client)
            : directory.CountCollision();
    }

    /// <summary>Claims a peer id. With a key it is held for that key.</summary>
    public ValueTask<Claim> ClaimPeerIdAsync(Client client, string peerId, string? key)
    {
        var claim = directory.ClaimPeerId(client, peerId, key, out var holder, cluster.IsOn);
        return holder is not null ? AskFirstAsync() : InClusterAsync(claim, NameKind.PeerId, peerId, key, client);

        async ValueTask<Claim> AskFirstAsync() => await silent.HasGoneAsync(holder, client.Session.ConnectionClosed)
            ? await InClusterAsync(directory.ClaimPeerId(client, peerId, key, out _, cluster.IsOn), NameKind.PeerId, peerId, key, client)
            : Claim.HeldByAnother;
    }

    /// <summary>The client is leaving; see <see cref="ClientDirectory.BeginLeave"/>.</summary>
    public void BeginLeave(Client client) => directory.BeginLeave(client);

    /// <summary>Frees the client's names, here and for the other relays.</summary>
    public void Release(Client client)
    {
        var (code, peerId) = (client.Code, client.PeerId);
        directory.Release(client);
        if (code is not null)
        {
            cluster.Release(NameKind.Code, code, client);
        }

        if (peerId is not null)
        {
            cluster.Release(NameKind.PeerId, peerId, client);
        }
    }

    private ValueTask<Claim> InClusterAsync(Claim claim, NameKind kind, string name, string? key, Client client)
    {
        return claim == Claim.Taken && cluster.IsOn ? AskOthersAsync() : ValueTask.FromResult(claim);

        async ValueTask<Claim> AskOthersAsync()
        {
            if (!await cluster.TryClaimAsync(kind, name, key, client))
            {
                directory.Withdraw(client, kind);
                return Claim.HeldByAnother;
            }

            if (!directory.TryConfirm(client))
            {
                // It was released before it was established.
                cluster.Release(kind, name, client);
            }

            return Claim.Taken;
        }
    }
}
