namespace Relay.Identity;

internal static class IdentitySetup
{
    /// <summary>The local endpoint is sent where no public one is set.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, IdentityOptions options, string localEndpoint)
    {
        options.LocalEndpoint = localEndpoint;
        return services
            .AddSingleton(options)
            .AddSingleton(provider => ServerIdentity.LoadOrCreate(options, provider.GetRequiredService<ILogger<ServerIdentity>>()))
            .AddSingleton<ServerGreeting>()
            .AddHostedService<IdentityStart>();
    }
}
