using Relay.Telemetry;

namespace Server.Tests.Telemetry;

public sealed class GcPausesTests
{
    [Fact]
    public void Longest_AfterACollection_IsNoShorterThanItsPause()
    {
        using var pauses = new GcPauses();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var last = GC.GetGCMemoryInfo(GCKind.FullBlocking).PauseDurations[0];

        Assert.InRange(pauses.Longest, last - TimeSpan.FromTicks(TimeSpan.TicksPerMillisecond / 10), GC.GetTotalPauseDuration());
    }

    // Nobody asks meanwhile: each collection is seen by itself, or the sum of all would be said.
    [Fact]
    public void Longest_AfterManyCollections_IsNotTheirSum()
    {
        using var pauses = new GcPauses();
        var before = GC.GetTotalPauseDuration();
        for (var i = 0; i < 100; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.InRange(pauses.Longest, TimeSpan.FromTicks(1), (GC.GetTotalPauseDuration() - before) / 2);
    }
}
