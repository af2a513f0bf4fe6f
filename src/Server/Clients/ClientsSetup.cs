using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;

namespace Relay.Clients;

internal static class ClientsSetup
{
    public static IServiceCollection AddClients(this IServiceCollection services, ClientOptions options, bool isInCluster)
    {
        services
            .AddSingleton(options)
            .AddSingleton<ClientDirectory>()
            .AddSingleton<SilentHolders>()
            .AddPeriodic<SilentHolders>(SilentHolders.Interval, silent => silent.Sweep())
            .AddSingleton<ClusterNameTable>()
            .AddSingleton<ClusterNameAnswers>()
            .AddSingleton<ClusterNames>()
            .AddSingleton<NameClaims>()
            .AddSingleton<IMovable, ClientsMove>()
            .AddSingleton<IStatistics, ClientStatistics>();
        return isInCluster ? services.AddPeriodic<ClusterNames>(ClusterNames.Interval, names => names.Sweep()) : services;
    }
}
