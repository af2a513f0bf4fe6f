namespace Relay.Identity;

internal static class IdentitySetup
{
    public static IServiceCollection AddIdentity(this IServiceCollection services, IdentityOptions options) => services
        .AddSingleton(options)
        .AddSingleton(provider => ServerIdentity.LoadOrCreate(options, provider.GetRequiredService<ILogger<ServerIdentity>>()))
        .AddHostedService<IdentityStart>();
}
