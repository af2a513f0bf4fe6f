using Relay.Cluster;
using Relay.EndToEnd.Support;
using Relay.Signaling;

namespace Relay.EndToEnd.Cluster;

/// <summary>A relay of the cluster that dies or stops: whoever waits for it is told, and its names are free.</summary>
public sealed class LostRelayTests
{
    // Of killed relays: it is told by the requester's own relay, a little after the target's would have.
    private static readonly TimeSpan RequestTimeout = TimeSpan.FromSeconds(2);

    [Fact]
    public async Task Killed_RequestsTimeOutAndItsNamesAreFree()
    {
        await using var cluster = await RelayCluster.StartAsync(1, settings => settings.Signaling.PairRequestTimeout = RequestTimeout);
        await using var lost = await RelayProcess.StartAsync(cluster.Arguments("lost"));
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(lost.Port, "BBBBBB");
        await a.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        await b.ExpectAsync("pair_incoming");
        await a.SendAsync($$"""{"type":"link_request","linkCode":"BBBBBB","publicKey":"{{TestClient.Key("link")}}"}""");
        await b.ExpectAsync("link_request");
        await Eventually.TrueAsync(() => cluster[0].Get<Questions>().Count == 0, "both are known to wait");

        await lost.KillAsync();

        Assert.Equal("BBBBBB", (await a.ExpectAsync("pair_timeout")).GetProperty("peerCode").GetString());
        Assert.Equal("BBBBBB", (await a.ExpectAsync("link_timeout")).GetProperty("linkCode").GetString());
        await using var next = await TestClient.ConnectAsync(cluster[0]);
        await next.RegisterCodeAsync("BBBBBB", TestClient.Key("other"));
        await next.ExpectAsync("registered");
    }

    [Fact]
    public async Task Gone_WhatItHadIsForgottenAtOnce()
    {
        await using var cluster = await RelayCluster.StartAsync(configure: settings => settings.Signaling.RequireMatch = true);
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(cluster[1], "BBBBBB");
        await using var c = await TestClient.RegisterAsync(cluster[0], "CCCCCC");
        await a.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        await b.ExpectAsync("pair_incoming");
        await b.SendAsync("""{"type":"pair_response","targetCode":"AAAAAA","accepted":true}""");
        await b.ExpectAsync("pair_matched");
        await a.ExpectAsync("pair_matched");
        await b.SendAsync($$"""{"type":"link_request","linkCode":"CCCCCC","publicKey":"{{TestClient.Key("link")}}"}""");
        await c.ExpectAsync("link_request");
        await c.SendAsync("""{"type":"pair_request","targetCode":"BBBBBB"}""");
        await b.ExpectAsync("pair_incoming");
        await Eventually.TrueAsync(() => cluster[0].Get<Questions>().Count == 0, "it is known to wait");

        cluster[0].Get<ClusterSignals>().ForgetNode(cluster[1].Get<ClusterNode>().Epoch);

        Assert.Equal(["link_timeout", "pair_timeout"], new[] { await c.ReceiveTextAsync(), await c.ReceiveTextAsync() }.Select(Type).Order());
        Assert.Equal((0, 0, 0), (cluster[0].Get<RemoteRequests>().Count, cluster[0].Get<MatchTable>().Count, cluster[0].Get<PendingRequests>().Count(RequestKind.Link)));

        static string? Type(string message) => System.Text.Json.JsonDocument.Parse(message).RootElement.GetProperty("type").GetString();
    }

    [Fact]
    public async Task Stopped_ItsNamesAreTakenAndGoOnWhereTheyAre()
    {
        await using var cluster = await RelayCluster.StartAsync(1);
        await using var stopped = await RelayProcess.StartAsync(cluster.Arguments("stopped"));
        await using var a = await TestClient.RegisterAsync(cluster[0], "AAAAAA");
        await using var b = await TestClient.RegisterAsync(stopped.Port, "BBBBBB");
        await stopped.SignalAsync("STOP");

        await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":1}""");
        await a.ExpectErrorAsync("Peer not found: BBBBBB");
        await using var next = await TestClient.RegisterAsync(cluster[0], "BBBBBB");
        await a.SendAsync("""{"type":"offer","target":"BBBBBB","payload":2}""");
        Assert.Equal("""{"type":"offer","from":"AAAAAA","payload":2}""", await next.ReceiveTextAsync());
        await stopped.SignalAsync("CONT");
    }
}
