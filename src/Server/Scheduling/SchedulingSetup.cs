using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Relay.Scheduling;

internal static class SchedulingSetup
{
    /// <summary>Runs a method of a singleton at a fixed interval while the relay runs; with <paramref name="atStart"/> also before the first connection.</summary>
    public static IServiceCollection AddPeriodic<T>(this IServiceCollection services, TimeSpan interval, Action<T> run, bool atStart = false)
        where T : class => services.AddPeriodic<T>(interval, RunNow(run), atStart);

    /// <summary>The same for work that waits. The token is cancelled when the relay stops.</summary>
    public static IServiceCollection AddPeriodic<T>(
        this IServiceCollection services, TimeSpan interval, Func<T, CancellationToken, Task> run, bool atStart = false)
        where T : class
    {
        services.TryAddSingleton<PeriodicTimers>();
        return services.AddSingleton<IHostedService>(provider =>
        {
            var service = provider.GetRequiredService<T>();
            return new PeriodicWork(
                typeof(T).Name,
                interval,
                atStart,
                stop => run(service, stop),
                provider.GetRequiredService<PeriodicTimers>(),
                provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<PeriodicWork>>());
        });
    }

    private static Func<T, CancellationToken, Task> RunNow<T>(Action<T> run) => (service, _) =>
    {
        run(service);
        return Task.CompletedTask;
    };
}
