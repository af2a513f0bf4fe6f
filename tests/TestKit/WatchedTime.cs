using Microsoft.Extensions.Time.Testing;

namespace Relay.TestKit;

internal static class WatchedTime
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(250);

    /// <summary>Time passes in small steps, as it does for a relay that runs; in one step it would have stood still.</summary>
    public static void Pass(this FakeTimeProvider time, TimeSpan span)
    {
        for (; span > Step; span -= Step)
        {
            time.Advance(Step);
        }

        time.Advance(span);
    }
}
