using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Clients;

internal static class ClientsSetup
{
    public static IServiceCollection AddClients(this IServiceCollection services, ClientOptions options) => services
        .AddSingleton(options)
        .AddSingleton<ClientDirectory>()
        .AddSingleton<SilentHolders>()
        .AddPeriodic<SilentHolders>(SilentHolders.Interval, silent => silent.Sweep())
        .AddSingleton<NameClaims>()
        .AddSingleton<IStatistics, ClientStatistics>();
}
