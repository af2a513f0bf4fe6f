using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Relay.Addresses;
using Relay.Admission;
using Relay.ClientAuth;
using Relay.Cluster;
using Relay.Events;
using Relay.Federation;
using Relay.Identity;
using Relay.Policy;
using Relay.Sessions;
using Relay.Storage;
using Relay.Telemetry;
using Relay.Transport;
using Relay.Transport.Kestrel;

namespace Server.Tests.Federation;

public sealed class PeerEndpointTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("relay-peers-").FullName;
    private readonly ServiceProvider _services;

    public PeerEndpointTests() => _services = new ServiceCollection()
        .AddLogging()
        .AddSingleton(TimeProvider.System)
        .AddSingleton<IHostApplicationLifetime, ApplicationLifetime>()
        .AddSingleton<RelayMetrics>()
        .AddSingleton<GcPauses>()
        .AddEvents()
        .AddCluster(new ClusterOptions())
        .AddPolicy(new AdmissionOptions { PolicyFile = "" }, new StorageOptions(), new ClusterOptions())
        .AddAdmission(new AdmissionOptions { PolicyFile = "" }, new AutoBanOptions(), new OverloadOptions(), 262_144, new ClusterOptions())
        .AddTransport(new PublicListenerOptions(), TimeSpan.FromMinutes(1))
        .AddClientAuth(new ClientAuthOptions())
        .AddSessions<Unused>(new ClientSessionOptions(), () => [])
        .AddIdentity(new IdentityOptions { KeyFile = Path.Combine(_folder, "server.key") }, "ws://localhost:9000")
        .AddFederation(new FederationOptions { Admit = FederationAdmit.Any, MaxPendingPerIp = 1 })
        .BuildServiceProvider(new ServiceProviderOptions { ValidateOnBuild = true });

    public void Dispose()
    {
        _services.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task HandleAsync_OverACap_Answers503WithRetryAfter()
    {
        var address = IPAddress.Parse("192.0.2.1");
        Assert.True(_services.GetRequiredService<PeerTable>().TryEnter(address, IpKey.From(address, 64), out var link, out _));
        using var held = link;
        var context = Upgrade(address);

        await KestrelUpgrade.HandleAsync(context, _services.GetRequiredService<PeerEndpoint>().Open);

        Assert.Equal(503, context.Response.StatusCode);
        Assert.InRange(int.Parse(context.Response.Headers.RetryAfter.ToString(), null), 1, 3600);
        Assert.Equal("peer_limit", Assert.Single(_services.GetRequiredService<PeerCounts>().RefusedByReason().NonZero()).Key);
    }

    [Fact]
    public async Task HandleAsync_UpgradeFails_GivesThePlaceBack()
    {
        var context = Upgrade(IPAddress.Parse("192.0.2.1"));

        await KestrelUpgrade.HandleAsync(context, _services.GetRequiredService<PeerEndpoint>().Open);

        Assert.Equal(0, _services.GetRequiredService<PeerTable>().PendingCount);
    }

    [Fact]
    public async Task HandleAsync_NoUpgrade_Answers400AndTakesNoPlace()
    {
        var context = Upgrade(IPAddress.Parse("192.0.2.1"));
        context.Features.Set<IHttpUpgradeFeature>(null);

        await KestrelUpgrade.HandleAsync(context, _services.GetRequiredService<PeerEndpoint>().Open);

        Assert.Equal(400, context.Response.StatusCode);
        Assert.Equal(0, _services.GetRequiredService<PeerTable>().PendingCount);
    }

    private DefaultHttpContext Upgrade(IPAddress address)
    {
        var context = new DefaultHttpContext();
        context.Features.Set(new KestrelConnection(
            new Microsoft.AspNetCore.Connections.DefaultConnectionContext(), _services.GetRequiredService<ConnectionTable>(), ClientAddressRule.Default));
        context.Features.Set<IHttpUpgradeFeature>(new BrokenUpgrade());
        context.Connection.RemoteIpAddress = address;
        context.Request.Method = "GET";
        context.Request.Headers.SecWebSocketVersion = "13";
        context.Request.Headers.SecWebSocketKey = "dGhlIHNhbXBsZSBub25jZQ==";
        return context;
    }

    private sealed class BrokenUpgrade : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => true;

        public Task<Stream> UpgradeAsync() => throw new IOException("reset by peer");
    }

    private sealed class Unused : ISessionHandler
    {
        public void OnOpened(Session session) => throw new NotSupportedException();

        public ValueTask OnMessageAsync(Session session, ReadOnlyMemory<byte> message, long receivedAt) => throw new NotSupportedException();

        public void OnClosed(Session session) => throw new NotSupportedException();
    }
}
