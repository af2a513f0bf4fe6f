using System.Runtime.CompilerServices;
using Relay.Policy;

namespace Relay.History;

/// <summary>What is kept of ten seconds: what there was at their end, and what happened in them.</summary>
internal struct HistorySample
{
    /// <summary>Its end, in ticks of UTC.</summary>
    public long At;

    /// <summary>The time that it is about; more than ten seconds where the relay was stopped meanwhile.</summary>
    public double Seconds;

    public int Clients;
    public int Limit;
    public int Ceiling;
    public OverloadLevel Level;
    public long ResidentBytes;
    public long UsedBytes;
    public long Admitted;
    public long Forwards;

    /// <summary>Refused, by <see cref="Admission.Refusal"/>.</summary>
    public RefusedByReason Refused;

    /// <summary>Forwards that were measured, by the buckets of <see cref="Telemetry.RelayMetrics.ForwardTimes"/>.</summary>
    public CountByBucket ForwardTimes;
}

/// <summary>There is room for more reasons than there are; a test compares.</summary>
[InlineArray(Length)]
internal struct RefusedByReason
{
    public const int Length = 32;

    private long _first;
}

/// <summary>There is room for more buckets than there are; a test compares.</summary>
[InlineArray(Length)]
internal struct CountByBucket
{
    public const int Length = 16;

    private long _first;
}
