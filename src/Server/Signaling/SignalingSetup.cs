namespace Relay.Signaling;

internal static class SignalingSetup
{
    public static IServiceCollection AddSignaling(this IServiceCollection services, SignalingOptions options) => services
        .AddSingleton(options)
        .AddSingleton<PairingCodes>()
        .AddSingleton<PendingRequests>()
        .AddSingleton<PairRequestRate>()
        .AddSingleton<PairingHandler>()
        .AddSingleton<SignalForwarder>();
}
