using Microsoft.Extensions.Logging.Abstractions;
using Relay.Scheduling;

namespace Server.Tests.Support;

/// <summary>Runs something periodically by a test's clock, as the relay does.</summary>
internal static class Ticking
{
    public static PeriodicWork Start(TimeProvider time, TimeSpan interval, Action run)
    {
        var work = new PeriodicWork(
            "test",
            interval,
            atStart: false,
            _ =>
            {
                run();
                return Task.CompletedTask;
            },
            new PeriodicTimers(time),
            time,
            NullLogger<PeriodicWork>.Instance);

        // Nothing to wait for: it only creates the timer.
        Assert.True(work.StartAsync(CancellationToken.None).IsCompletedSuccessfully);
        return work;
    }
}
