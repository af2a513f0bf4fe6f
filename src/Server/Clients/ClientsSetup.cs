using Relay.Telemetry;

namespace Relay.Clients;

internal static class ClientsSetup
{
    public static IServiceCollection AddClients(this IServiceCollection services) => services
        .AddSingleton<ClientDirectory>()
        .AddSingleton<IStatistics, ClientStatistics>();
}
