using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;
using Relay.Federation;

namespace Relay.EndToEnd.Federation;

/// <summary>What operators see of a federation, and what they do to it.</summary>
public sealed class OperatorTests
{
    [Fact]
    public async Task Lists_LinkedServers_ShowBothSides()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        await all.AgreeAsync();
        var (first, second) = (all.Servers[0], all.Servers[1]);
        var federation = new FederationService.FederationServiceClient(second.Channel);

        var members = await federation.ListMembersAsync(new ListMembersRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(members.IsOn);
        Assert.Equal([FederationOfServers.IdOf(second), FederationOfServers.IdOf(first)], members.Members.Select(member => member.ServerId));
        Assert.All(members.Members, member => Assert.Equal(("alive", true), (member.State, member.Owner)));
        var peers = await second.Admin.ListPeersAsync(new ListPeersRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.True(Assert.Single(peers.Peers).Dialled);
        Assert.Empty(peers.Unlinked);
        var ring = await federation.GetRingAsync(new GetRingRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(1, ring.Owners.Sum(owner => owner.Share), 6);
        var owner = await federation.GetOwnerAsync(new GetOwnerRequest { Text = "ABCDEF" }, cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(second.Get<FederationRing>().OwnersOf("ABCDEF").Select(member => member.ServerId), owner.Owners.Select(row => row.ServerId));
        Assert.Equal(owner.Owners[0].Self ? "" : owner.Owners[0].Endpoint, owner.CodeRedirect);
        Assert.True(owner.Local);
    }

    [Fact]
    public async Task Block_LinkedServer_IsOutUntilUnblocked()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        await all.AgreeAsync();
        var (first, second) = (all.Servers[0], all.Servers[1]);
        var id = FederationOfServers.IdOf(first);
        var federation = new FederationService.FederationServiceClient(second.Channel);

        var blocked = await federation.BlockServerAsync(new BlockServerRequest { ServerId = id, Reason = "test" }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.True(blocked.WasLinked);
        await Eventually.TrueAsync(() => second.Get<PeerTable>().AuthenticatedCount == 0 && second.Get<FederationRing>().IsAlone, "it is out");
        Assert.Equal(id, Assert.Single(new PeerBook(second.Settings.Federation, TimeProvider.System).Blocked()).ServerId);
        await Eventually.TrueAsync(
            () => first.Get<PeerTargets>().Rows() is [{ LastWords: var words }] && words.Contains("Server blocked", StringComparison.Ordinal), "the other is told", TimeSpan.FromSeconds(30));
        var listed = Assert.Single((await federation.ListBlockedServersAsync(new ListBlockedServersRequest(), cancellationToken: TestContext.Current.CancellationToken)).Servers);
        Assert.Equal((id, "test"), (listed.ServerId, listed.Reason));

        await federation.UnblockServerAsync(new UnblockServerRequest { ServerId = id }, cancellationToken: TestContext.Current.CancellationToken);

        await all.LinkedAsync();
        await all.AgreeAsync();
        var audit = await second.Admin.ListAuditAsync(new ListAuditRequest(), cancellationToken: TestContext.Current.CancellationToken);
        Assert.Equal(["UnblockServer", "BlockServer"], audit.Entries.Select(entry => entry.Method).Where(method => method.EndsWith("Server", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Forget_KnownServer_ThenUnknown_IsNotFound()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        var (first, second) = (all.Servers[0], all.Servers[1]);
        var id = FederationOfServers.IdOf(second);
        var federation = new FederationService.FederationServiceClient(first.Channel);
        await all.StopAsync(second);
        await Eventually.TrueAsync(() => first.Get<PeerTable>().AuthenticatedCount == 0, "it has left");

        await federation.ForgetServerAsync(new ForgetServerRequest { ServerId = id }, cancellationToken: TestContext.Current.CancellationToken);

        Assert.Empty(first.Get<PeerBook>().Known());
        Assert.Empty(first.Get<PeerGossip>().Members());
        var again = await Assert.ThrowsAsync<RpcException>(
            () => federation.ForgetServerAsync(new ForgetServerRequest { ServerId = id }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);
        Assert.Equal(StatusCode.NotFound, again.StatusCode);
        var wrong = await Assert.ThrowsAsync<RpcException>(
            () => federation.BlockServerAsync(new BlockServerRequest { ServerId = "relay.example" }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);
        Assert.Equal(StatusCode.InvalidArgument, wrong.StatusCode);
    }

    [Fact]
    public async Task Block_FederationOff_SaysSo()
    {
        await using var server = await RelayServer.StartAsync();
        var federation = new FederationService.FederationServiceClient(server.Channel);

        var refused = await Assert.ThrowsAsync<RpcException>(() => federation.BlockServerAsync(
            new BlockServerRequest { ServerId = "ed25519:" + new string('A', 43) }, cancellationToken: TestContext.Current.CancellationToken).ResponseAsync);

        Assert.Equal(StatusCode.FailedPrecondition, refused.StatusCode);
        Assert.False((await federation.ListMembersAsync(new ListMembersRequest(), cancellationToken: TestContext.Current.CancellationToken)).IsOn);
    }
}
