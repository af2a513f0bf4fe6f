using System.Diagnostics.CodeAnalysis;
using Relay.Protocol.Moving;
using Relay.Scheduling;
using Relay.Telemetry;
using Relay.Transport;

namespace Relay.Sessions;

internal static class SessionSetup
{
    public static IServiceCollection AddSessions<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] THandler>(
        this IServiceCollection services, ClientSessionOptions options, Func<string[]> allowedOrigins)
        where THandler : class, ISessionHandler => services
        .AddSingleton(options)
        .AddSingleton<SessionServices>()
        .AddSingleton<SessionTable>()
        .AddSingleton<Refuser>()
        .AddSingleton(new OriginFilter(allowedOrigins))
        .AddSingleton<IStatistics>(provider => provider.GetRequiredService<OriginFilter>())
        .AddSingleton<ISessionHandler, THandler>()
        .AddSingleton<SessionEndpoint>()
        .AddSingleton<ClientEntrance>(services => services.GetRequiredService<SessionEndpoint>().Open)
        .AddSingleton<PacedDisconnector>()
        .AddPeriodic<PacedDisconnector>(PacedDisconnector.Interval, disconnector => disconnector.CloseDue())
        .AddSingleton<Drainer>()
        .AddPeriodic<Drainer>(Drainer.Interval, drainer => drainer.CloseDue())
        .AddSingleton<MemoryReclaimer>()
        .AddPeriodic<MemoryReclaimer>(MemoryReclaimer.Interval, reclaimer => reclaimer.Sweep())
        .AddSingleton<IStatistics, MemoryStatistics>()
        .AddSingleton<DepartingSessions>()
        .AddSingleton<IMovable>(provider => provider.GetRequiredService<DepartingSessions>())
        .AddSingleton<ArrivingSessions>()
        .AddSingleton<IMovable>(provider => provider.GetRequiredService<ArrivingSessions>())
        .AddSingleton<Heartbeat>()
        .AddPeriodic<Heartbeat>(Heartbeat.Interval, heartbeat => heartbeat.Sweep());
}
