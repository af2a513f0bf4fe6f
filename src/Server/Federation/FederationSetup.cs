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
            .AddSingleton<IStatistics, PeerStatistics>();
        return options.IsOn ? services.AddPeriodic<HandshakeDeadline>(HandshakeDeadline.Interval, deadline => deadline.Sweep()) : services;
    }
}
