namespace Relay.Presence;

internal static class PresenceSetup
{
    public static IServiceCollection AddPresence(this IServiceCollection services) => services.AddSingleton<PresenceTable>();
}
