using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.ClientAuth;

internal static class ClientAuthSetup
{
    public static IServiceCollection AddClientAuth(this IServiceCollection services, ClientAuthOptions options)
    {
        services
            .AddSingleton(options)
            .AddSingleton<KeyFile>()
            .AddSingleton<IHostedService>(provider => provider.GetRequiredService<KeyFile>())
            .AddSingleton<PublishedKeys>()
            .AddSingleton<TokenVerifier>()
            .AddSingleton<AuthHook>()
            .AddSingleton<ClientAuthenticator>()
            .AddSingleton<IStatistics, ClientAuthStatistics>();
        return options.JwksUrl.Length == 0 ? services
            : services.AddPeriodic<PublishedKeys>(PublishedKeys.Interval, (keys, _) => keys.FetchAsync(), atStart: true);
    }
}
