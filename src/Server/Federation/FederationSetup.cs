using Relay.Federation.Bootstrap;
using Relay.Federation.Gossip;
using Relay.Identity;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Federation;

internal static class FederationSetup
{
    public static IServiceCollection AddFederation(this IServiceCollection services, FederationOptions options)
    {
        services
            .AddSingleton(options)
            .AddSingleton<ReplayCache>()
            .AddSingleton<HandshakeVerifier>()
            .AddSingleton<PeerTable>()
            .AddSingleton<PeerCounts>()
            .AddSingleton<PeerAuthenticator>()
            .AddSingleton<PeerEndpoint>()
            .AddSingleton<HandshakeDeadline>()
            .AddSingleton<PeerBook>()
            .AddSingleton(new EndpointRule(options.PrivateEndpoints))
            .AddSingleton<PeerConnector>()
            .AddSingleton<PeerDialer>()
            .AddSingleton(provider => ActivatorUtilities.CreateInstance<PeerTargets>(provider, provider.GetRequiredService<ServerIdentity>().ServerId))
            .AddSingleton<FederationRing>()
            .AddSingleton<GossipWriter>()
            .AddSingleton(Random.Shared)
            .AddSingleton(Self)
            .AddSingleton<Membership>()
            .AddSingleton<BootstrapRequests>()
            .AddSingleton<BootstrapClient>()
            .AddSingleton<PeerGossip>()
            .AddSingleton<IStatistics, PeerStatistics>();
        return !options.IsOn ? services : services
            .AddPeriodic<HandshakeDeadline>(HandshakeDeadline.Interval, deadline => deadline.Sweep())
            .AddPeriodic<PeerBook>(PeerBook.SaveInterval, book => book.Save())
            .AddPeriodic<PeerGossip>(GossipLimits.TickInterval, gossip => gossip.Tick())
            .AddPeriodic<PeerDialer>(PeerDialer.Interval, dialer => dialer.Tick());
    }

    private static LocalServer Self(IServiceProvider provider)
    {
        var identity = provider.GetRequiredService<ServerIdentity>();
        var self = provider.GetRequiredService<IdentityOptions>();
        return new LocalServer(identity.ServerId, identity.NodeId, identity.PublicKeyBase64, self.PublicEndpoint, self.Region);
    }
}
