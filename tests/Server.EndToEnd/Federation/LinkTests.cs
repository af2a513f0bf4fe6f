using Relay.EndToEnd.Support;
using Relay.Federation;
using Relay.TestKit;

namespace Relay.EndToEnd.Federation;

/// <summary>Links that a relay dials, over real sockets.</summary>
public sealed class LinkTests
{
    [Fact]
    public async Task Dial_ConfiguredServer_BothHaveOneLink()
    {
        await using var all = await FederationOfServers.StartAsync(2);

        await all.LinkedAsync();

        var (first, second) = (all.Servers[0], all.Servers[1]);
        Assert.Equal((1, 1), (first.Get<PeerTable>().AuthenticatedCount, second.Get<PeerTable>().AuthenticatedCount));
        Assert.True(second.Get<PeerTable>().Find(FederationOfServers.IdOf(first))!.IsDialled);
        await Eventually.TrueAsync(
            () => second.Get<PeerBook>().Known().Any(server => server.ServerId == FederationOfServers.IdOf(first)), "it is remembered");
    }

    [Fact]
    public async Task Dial_AnotherIsAtTheSamePlace_IsLinkedInstead()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        var first = all.Servers[0];
        var (port, id) = (first.Port, FederationOfServers.IdOf(first));
        await all.StopAsync(first);
        var second = all.Servers[0];
        await Eventually.TrueAsync(() => second.Get<PeerTable>().AuthenticatedCount == 0, "the link is gone");

        // Another server at the same place: the settings do not say who must answer there.
        await all.AddAsync(settings =>
        {
            settings.Listen.Port = port;
            settings.Identity.PublicEndpoint = $"ws://127.0.0.1:{port}";
            settings.Federation.Connect = [];
        });
        await all.LinkedAsync();
        Assert.Null(second.Get<PeerTable>().Find(id));
    }

    [Fact]
    public async Task Dial_AnotherServerAnswers_IsRefusedWithItsReason()
    {
        await using var all = await FederationOfServers.StartAsync(1);
        var expected = "ed25519:" + new string('A', 43);
        var dialling = await all.AddAsync(settings =>
            settings.Federation.Connect = [$"{expected}@ws://127.0.0.1:{all.Servers[0].Port}"]);

        await Eventually.TrueAsync(
            () => dialling.Get<PeerTargets>().Rows() is [{ Failures: > 0, LastWords: var words }] && words.StartsWith("it closed with 4001", StringComparison.Ordinal),
            "refused, because the handshake was for another",
            TimeSpan.FromSeconds(30));
        Assert.Equal(0, dialling.Get<PeerTable>().AuthenticatedCount);
    }

    [Fact]
    public async Task Link_Cut_ComesBack()
    {
        await using var all = await FederationOfServers.StartAsync(3);
        await all.LinkedAsync();
        var cut = all.Servers[1].Get<PeerTable>().Snapshot().Select(peer => all.Servers[1].Get<PeerTable>().Find(peer.ServerId)!).ToList();

        cut.ForEach(link => link.Session!.Abort(Relay.Protocol.CloseReason.PeerGone));

        await Eventually.TrueAsync(
            () => cut.TrueForAll(link => all.Servers[1].Get<PeerTable>().Find(link.Peer!.ServerId) is { } now && now != link), "new links", TimeSpan.FromSeconds(60));
        await all.LinkedAsync();
        await all.AgreeAsync();
    }

    [Fact]
    public async Task Frame_OfTenMegabytes_EndsTheLinkAndNothingElse()
    {
        await using var all = await FederationOfServers.StartAsync(2);
        await all.LinkedAsync();
        await using var rogue = await ForeignPeer.StartAsync(0, $"ws://127.0.0.1:{all.Servers[0].Port}");
        await Eventually.TrueAsync(() => all.Servers[0].Get<PeerTable>().Find(rogue.ServerId) is not null, "linked", TimeSpan.FromSeconds(30));
        var link = all.Servers[0].Get<PeerTable>().Find(rogue.ServerId)!;

        await rogue.AskAsync(new System.Text.Json.Nodes.JsonObject { ["do"] = "raw", ["text"] = new string('x', 10 << 20) });

        await Eventually.TrueAsync(() => link.Session!.CloseReason == Relay.Protocol.CloseReason.MessageTooBig, "the link ends");
        await all.LinkedAsync();
    }

    [Fact]
    public async Task Dial_NobodyThere_IsTriedAgain()
    {
        await using var all = await FederationOfServers.StartAsync(0);
        var dialling = await all.AddAsync(settings => settings.Federation.Connect = [$"ws://127.0.0.1:{FreePort.Take()}"]);

        await Eventually.TrueAsync(
            () => dialling.Get<PeerTargets>().Rows() is [{ Failures: >= 2 } row] && row.LastWords.Contains("refused", StringComparison.OrdinalIgnoreCase),
            "two attempts",
            TimeSpan.FromSeconds(30));
    }

    [Fact]
    public async Task Dial_PrivateAddress_IsNotDialledUnlessAllowed()
    {
        await using var all = await FederationOfServers.StartAsync(1);
        var dialling = await all.AddAsync(settings => settings.Federation.PrivateEndpoints = false);

        await Eventually.TrueAsync(
            () => dialling.Get<PeerTargets>().Rows() is [{ Failures: >= 1 } row] && row.LastWords.Contains("is no public address", StringComparison.Ordinal),
            "not dialled",
            TimeSpan.FromSeconds(30));
        Assert.Equal(0, all.Servers[0].Get<PeerTable>().PendingCount);
    }

    [Fact]
    public async Task Dial_EachOther_OneLinkStays()
    {
        var (port, other) = (FreePort.Take(), FreePort.Take());
        await using var all = new FederationOfServers();
        await all.AddAsync(settings => Place(settings, port, other));
        await all.AddAsync(settings => Place(settings, other, port));

        await all.LinkedAsync();

        await Eventually.TrueAsync(
            () => all.Servers.All(server => server.Get<PeerTable>() is { AuthenticatedCount: 1 } table && table.Pending().Length == 0),
            "no second link");
        var lesser = all.Servers.MinBy(FederationOfServers.IdOf, StringComparer.Ordinal)!;
        var greater = all.Servers.Single(server => server != lesser);
        var links = (lesser.Get<PeerTable>().Find(FederationOfServers.IdOf(greater)), greater.Get<PeerTable>().Find(FederationOfServers.IdOf(lesser)));
        Assert.NotEqual(links.Item1!.IsDialled, links.Item2!.IsDialled);

        static void Place(Relay.Configuration.RelaySettings settings, int port, int other)
        {
            settings.Listen.Port = port;
            settings.Identity.PublicEndpoint = $"ws://127.0.0.1:{port}";
            settings.Federation.Connect = [$"ws://127.0.0.1:{other}"];
        }
    }
}
