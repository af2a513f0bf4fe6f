using System.Diagnostics.Metrics;
using Relay.AdminApi;
using Relay.Telemetry;

namespace Relay.Transport.Engine;

/// <summary>How long the engine's loops take for what they find at once: everything else on that loop waits meanwhile.</summary>
internal sealed class LoopStatistics : IStatistics
{
    private readonly GcPauses _pauses;
    private readonly Histogram<double> _turns;

    // Atomic, in ticks of TimeSpan.
    private long _longest;

    public LoopStatistics(RelayMetrics metrics, GcPauses pauses)
    {
        _pauses = pauses;
        _turns = metrics.Meter.CreateHistogram(
            "relay.loop.turn",
            unit: "s",
            description: "Time that a loop of the engine needed for the events that it found at once.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1e-5, 1e-4, 1e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1] });
    }

    public void TurnEnded(TimeSpan took)
    {
        _pauses.Look();
        _turns.Record(took.TotalSeconds);
        for (var longest = Interlocked.Read(ref _longest); took.Ticks > longest;)
        {
            longest = Interlocked.CompareExchange(ref _longest, took.Ticks, longest);
        }
    }

    public void AddInstruments(Meter meter) => meter.CreateObservableGauge(
        "relay.loop.turn.max",
        () => TimeSpan.FromTicks(Interlocked.Read(ref _longest)).TotalSeconds,
        unit: "s",
        description: "The longest of those times since the start.");

    public void Fill(Stats stats)
    {
        // The status has no part of the loops: what operators need of them are rates, which metrics show.
    }
}
