using System.Diagnostics.CodeAnalysis;
using Relay.Scheduling;
using Relay.Transport;

namespace Relay.Sessions;

internal static class SessionSetup
{
    public static IServiceCollection AddSessions<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IServiceCollection services, ClientSessionOptions options)
        where THandler : class, ISessionHandler => services
        .AddSingleton(options)
        .AddSingleton<SessionServices>()
        .AddSingleton<SessionTable>()
        .AddSingleton<Refuser>()
        .AddSingleton<ISessionHandler, THandler>()
        .AddSingleton<SessionEndpoint>()
        .AddSingleton<ClientEntrance>(services => services.GetRequiredService<SessionEndpoint>().Open)
        .AddSingleton<PacedDisconnector>()
        .AddPeriodic<PacedDisconnector>(PacedDisconnector.Interval, disconnector => disconnector.CloseDue())
        .AddSingleton<Drainer>()
        .AddPeriodic<Drainer>(Drainer.Interval, drainer => drainer.CloseDue())
        .AddSingleton<Heartbeat>()
        .AddPeriodic<Heartbeat>(Heartbeat.Interval, heartbeat => heartbeat.Sweep());
}
