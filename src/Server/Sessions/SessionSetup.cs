namespace Relay.Sessions;

internal static class SessionSetup
{
    public static IServiceCollection AddSessions<THandler>(this IServiceCollection services, ClientSessionOptions options)
        where THandler : class, ISessionHandler => services
        .AddSingleton(options)
        .AddSingleton<SessionServices>()
        .AddSingleton<SessionTable>()
        .AddSingleton<Refuser>()
        .AddSingleton<ISessionHandler, THandler>()
        .AddSingleton<SessionEndpoint>()
        .AddSingleton<PacedDisconnector>()
        .AddSingleton<Drainer>()
        .AddSingleton<Heartbeat>();
}
