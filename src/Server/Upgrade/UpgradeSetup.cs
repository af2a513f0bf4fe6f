namespace Relay.Upgrade;

internal static class UpgradeSetup
{
    public static IServiceCollection AddUpgrade(this IServiceCollection services) => services
        .AddSingleton(_ => RunningProgram.Current())
        .AddSingleton<ExclusiveState>()
        .AddSingleton<RemainingClients>()
        .AddSingleton<Retirement>()
        .AddSingleton<ClientHandOver>()
        .AddSingleton<ClientTakeOver>()
        .AddSingleton<Upgrader>();
}
