using Google.Protobuf.WellKnownTypes;
using Relay.Admission;
using Relay.Policy;
using Relay.Telemetry;

namespace Relay.History;

/// <summary>Neighbouring samples as one of the contract: sums over their whole time, and the highest of what goes up and down.</summary>
internal sealed class SampleMerger(DurationBuckets forwardTimes)
{
    // So many seconds and events; and what is the last's.
    private HistorySample _sum;

    public bool IsEmpty => _sum.At == 0;

    /// <summary>Adds one that is later than those before.</summary>
    public void Add(in HistorySample sample)
    {
        var before = _sum;
        _sum = sample;
        _sum.Seconds += before.Seconds;
        _sum.Admitted += before.Admitted;
        _sum.Forwards += before.Forwards;
        Add(_sum.Refused, before.Refused);
        Add(_sum.ForwardTimes, before.ForwardTimes);
        _sum.Clients = Math.Max(sample.Clients, before.Clients);
        _sum.ResidentBytes = Math.Max(sample.ResidentBytes, before.ResidentBytes);
        _sum.UsedBytes = Math.Max(sample.UsedBytes, before.UsedBytes);
        _sum.Level = sample.Level > before.Level ? sample.Level : before.Level;
    }

    /// <summary>What was added since the last call, as one.</summary>
    public AdminApi.HistorySample Take(long budget)
    {
        var sum = _sum;
        _sum = default;
        var message = new AdminApi.HistorySample
        {
            At = Timestamp.FromDateTime(new DateTime(sum.At, DateTimeKind.Utc)),
            Clients = sum.Clients,
            Limit = sum.Limit,
            Ceiling = sum.Ceiling,
            AdmittedPerSecond = sum.Admitted / sum.Seconds,
            Level = OverloadLevels.Name(sum.Level),
            ForwardsPerSecond = sum.Forwards / sum.Seconds,
            ForwardP50 = Quantile(sum, 0.5),
            ForwardP99 = Quantile(sum, 0.99),
            ResidentBytes = sum.ResidentBytes,
            BudgetBytes = budget,
            UsedBytes = sum.UsedBytes,
        };
        foreach (var row in Rejections.All)
        {
            if (sum.Refused[(int)row.Reason] is > 0 and var refused)
            {
                message.Rejected.Add(new AdminApi.RejectedRate { Reason = row.Label, PerSecond = refused / sum.Seconds });
            }
        }

        return message;
    }

    private static void Add(Span<long> to, ReadOnlySpan<long> counts)
    {
        for (var i = 0; i < to.Length; i++)
        {
            to[i] += counts[i];
        }
    }

    private Duration? Quantile(in HistorySample sum, double part) =>
        forwardTimes.Quantile(sum.ForwardTimes, part) is { } time ? Duration.FromTimeSpan(time) : null;
}
