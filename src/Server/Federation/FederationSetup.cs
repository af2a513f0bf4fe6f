using Relay.Scheduling;

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
            .AddSingleton<PeerAuthenticator>()
            .AddSingleton<PeerEndpoint>()
            .AddSingleton<HandshakeDeadline>();
        return options.IsOn ? services.AddPeriodic<HandshakeDeadline>(HandshakeDeadline.Interval, deadline => deadline.Sweep()) : services;
    }
}
