namespace Relay.Federation;

internal static class FederationSetup
{
    public static IServiceCollection AddFederation(this IServiceCollection services, FederationOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ReplayCache>()
        .AddSingleton<HandshakeJudge>()
        .AddSingleton<PeerTable>()
        .AddSingleton<PeerWelcome>()
        .AddSingleton<PeerEndpoint>()
        .AddHostedService<HandshakeDeadline>();
}
