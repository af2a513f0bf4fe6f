namespace Relay.Identity;

internal static class IdentitySetup
{
    /// <summary>The local endpoint is told where no public one is set.</summary>
    public static IServiceCollection AddIdentity(this IServiceCollection services, IdentityOptions options, string localEndpoint)
    {
        options.PublicEndpoint = options.PublicEndpoint.Length > 0 ? options.PublicEndpoint : localEndpoint;
        return services
            .AddSingleton(options)
            .AddSingleton(provider => ServerIdentity.LoadOrCreate(options, provider.GetRequiredService<ILogger<ServerIdentity>>()))
            .AddSingleton<ServerGreeting>()
            .AddHostedService<IdentityStart>();
    }
}
