using System.Diagnostics.CodeAnalysis;

namespace Relay.Events;

internal static class EventsSetup
{
    public static IServiceCollection AddEvents(this IServiceCollection services) =>
        services.AddSingleton(provider => new RelayEvents(provider.GetRequiredService<TimeProvider>()));

    /// <summary>Subscribes a singleton to every event, also of those before the relay listens.</summary>
    public static IServiceCollection AddEventSubscriber<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(this IServiceCollection services, Action<T, PublishedEvent> handle)
        where T : class => services.AddSingleton<T>().AddSingleton<IHostedService>(provider =>
    {
        var subscriber = provider.GetRequiredService<T>();
        return new EventSubscription(
            typeof(T).Name,
            provider.GetRequiredService<RelayEvents>(),
            published => handle(subscriber, published),
            provider.GetRequiredService<ILogger<EventSubscription>>());
    });
}
