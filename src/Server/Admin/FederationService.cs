using Grpc.Core;
using Relay.AdminApi;
using Relay.AdminAuth;
using Relay.Federation;
using Relay.Identity;
using Relay.Protocol;

namespace Relay.Admin;

/// <summary>The gRPC service of the federation: request, one call, reply.</summary>
internal sealed class FederationService(
    FederationOptions options, FederationRing ring, PeerGossip gossip, PeerTable peers, PeerTargets targets, PeerBook book, IdentityOptions self, ServerIdentity identity)
    : AdminApi.FederationService.FederationServiceBase
{
    private const int MaxText = 128;
    private const int MaxReason = 256;

    public override Task<ListMembersResponse> ListMembers(ListMembersRequest request, ServerCallContext context) => Task.FromResult(new ListMembersResponse
    {
        IsOn = options.IsOn,
        Members = { FederationMapper.Own(identity, self, gossip.Incarnation), gossip.Members().Select(FederationMapper.Row) },
    });

    public override Task<GetRingResponse> GetRing(GetRingRequest request, ServerCallContext context) => Task.FromResult(new GetRingResponse
    {
        ReplicationFactor = options.ReplicationFactor,
        VirtualNodes = options.VirtualNodes,
        Owners = { ring.Shares().Select(share => FederationMapper.Row(share.Owner, identity, share.Share)) },
    });

    public override Task<GetOwnerResponse> GetOwner(GetOwnerRequest request, ServerCallContext context)
    {
        if (request.Text.Length is 0 or > MaxText)
        {
            throw AdminErrors.Invalid(("text", $"give a pairing code, a point or a token of 1 to {MaxText} characters"));
        }

        var shares = ring.Shares().ToDictionary(share => share.Owner.ServerId, share => share.Share, StringComparer.Ordinal);
        var owners = ring.OwnersOf(request.Text);
        return Task.FromResult(new GetOwnerResponse
        {
            Owners = { owners.Select(owner => FederationMapper.Row(owner, identity, shares.GetValueOrDefault(owner.ServerId))) },
            Local = ring.IsLocal(request.Text),
            CodeRedirect = ring.RedirectsOf(request.Text) is [var code, ..] ? code.Endpoint : "",
            RendezvousRedirect = ring.IsLocal(request.Text) ? "" : owners[0].Endpoint,
        });
    }

    public override Task<ListBlockedServersResponse> ListBlockedServers(ListBlockedServersRequest request, ServerCallContext context) =>
        Task.FromResult(new ListBlockedServersResponse { Servers = { book.Blocked().Select(FederationMapper.Row) } });

    public override Task<BlockServerResponse> BlockServer(BlockServerRequest request, ServerCallContext context)
    {
        var id = Check(request.ServerId, request.Reason);
        if (!options.IsOn)
        {
            throw new RpcException(new Status(StatusCode.FailedPrecondition, "federation is off; set Federation:Servers, Federation:Connect or Federation:Admit"));
        }

        if (!Saved(() => book.Block(id, request.Reason, AdminCaller.Of(context).Who)))
        {
            throw new RpcException(new Status(StatusCode.ResourceExhausted, $"{PeerBook.MaxBlocked} servers are blocked; unblock some"));
        }

        var link = peers.Find(id);
        link?.Session?.Close(CloseReason.ServerBlocked);
        gossip.Forget(id);
        AdminCaller.Of(context).Changed(null, $"blocked {id}");
        return Task.FromResult(new BlockServerResponse { Server = FederationMapper.Row(book.Blocked().Single(server => server.ServerId == id)), WasLinked = link is not null });
    }

    public override Task<UnblockServerResponse> UnblockServer(UnblockServerRequest request, ServerCallContext context)
    {
        var id = Check(request.ServerId, request.Reason);
        var blocked = book.Blocked().FirstOrDefault(server => server.ServerId == id);
        if (blocked is null || !Saved(() => book.Unblock(id)))
        {
            throw new RpcException(new Status(StatusCode.NotFound, "the server is not blocked; `relayctl federation blocked` lists those that are"));
        }

        AdminCaller.Of(context).Changed($"blocked {id}", null);
        return Task.FromResult(new UnblockServerResponse { Server = FederationMapper.Row(blocked) });
    }

    public override Task<ForgetServerResponse> ForgetServer(ForgetServerRequest request, ServerCallContext context)
    {
        var id = Check(request.ServerId, request.Reason);
        var link = peers.Find(id);
        link?.Session?.Close(CloseReason.LinkDropped);
        var isKnown = gossip.Forget(id) | book.Forget(id) | targets.Remove(id) | link is not null;
        if (!isKnown)
        {
            throw new RpcException(new Status(StatusCode.NotFound, "the server is not known; `relayctl federation members` lists those that are"));
        }

        Saved(() =>
        {
            book.Save();
            return true;
        });
        AdminCaller.Of(context).Changed($"known {id}", null);
        return Task.FromResult(new ForgetServerResponse { WasLinked = link is not null });
    }

    private static string Check(string serverId, string reason)
    {
        var violations = new List<(string, string)>();
        if (!ServerId.TryParse(serverId, out var key))
        {
            violations.Add(("server_id", "give \"ed25519:\" and 32 bytes in base64url, as `relayctl federation members` shows it"));
        }

        if (reason.Length > MaxReason)
        {
            violations.Add(("reason", $"{reason.Length} characters; at most {MaxReason}"));
        }

        return violations.Count > 0 ? throw AdminErrors.Invalid(violations) : ServerId.Format(key);
    }

    private static bool Saved(Func<bool> change)
    {
        try
        {
            return change();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"the file of peer servers could not be written: {exception.Message}"));
        }
    }
}
