using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Relay.Protocol;

namespace Relay.Telemetry;

/// <summary>
/// The one meter, and what happens too often to be counted anywhere but in plain fields, which instruments read when they are
/// scraped. Everything else is counted by its owner and shown by the <see cref="IStatistics"/> of its folder.
/// </summary>
internal sealed class RelayMetrics : IDisposable
{
    public const string MeterName = "Relay";

    // Atomic, all of the following.
    private readonly FrozenDictionary<string, StrongBox<long>> _messagesByType;
    private readonly long[] _closedByReason = new long[CloseReasons.All.Count];
    private long _answersSent;
    private long _forwardsSent;
    private long _bytesReceived;
    private long _bytesSent;
    private long _queued;
    private long _rateLimited;
    private long _dropped;

    private readonly Histogram<double> _admission;
    private readonly Histogram<double> _forward;

    /// <summary>Messages are counted by these types only.</summary>
    public RelayMetrics(params IEnumerable<string> messageTypes)
    {
        _messagesByType = messageTypes.ToFrozenDictionary(type => type, _ => new StrongBox<long>(), StringComparer.Ordinal);
        Meter = new Meter(MeterName);
        _admission = Meter.CreateHistogram(
            "relay.admission.duration",
            unit: "s",
            description: "Time to decide whether to admit a connection; one decision in eight is measured.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1e-7, 2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 1e-3, 1e-2] });
        _forward = Meter.CreateHistogram(
            "relay.forward.duration",
            unit: "s",
            description: "Time from reading the last byte of a client's message to writing the forwarded message to its target; of what a session gets, one message in eight is measured.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = ForwardTimes.Bounds });
    }

    public Meter Meter { get; }

    public long MessagesReceived => _messagesByType.Values.Sum(count => Interlocked.Read(ref count.Value));

    public long MessagesSent => Interlocked.Read(ref _answersSent) + ForwardsSent;

    /// <summary>Of the messages sent those that another client's message caused at once: offers, calls and stream frames, once for each receiver.</summary>
    public long ForwardsSent => Interlocked.Read(ref _forwardsSent);

    /// <summary>How long the forwards took that were measured, as in the histogram.</summary>
    public DurationBuckets ForwardTimes { get; } = new(1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 1);

    public long BytesReceived => Interlocked.Read(ref _bytesReceived);

    public long BytesSent => Interlocked.Read(ref _bytesSent);

    public long Queued => Interlocked.Read(ref _queued);

    public long RateLimited => Interlocked.Read(ref _rateLimited);

    public long Dropped => Interlocked.Read(ref _dropped);

    public void AdmissionDecided(TimeSpan took) => _admission.Record(took.TotalSeconds);

    public void Forwarded(TimeSpan took)
    {
        ForwardTimes.Add(took.TotalSeconds);
        _forward.Record(took.TotalSeconds);
    }

    public void MessageReceived(string type) => Interlocked.Increment(ref _messagesByType[type].Value);

    public void BytesArrived(int bytes) => Interlocked.Add(ref _bytesReceived, bytes);

    public void MessageSent(int bytes, bool isForward)
    {
        Interlocked.Increment(ref isForward ? ref _forwardsSent : ref _answersSent);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    /// <summary>So many messages more wait, and so many others were dropped for them.</summary>
    public void QueueChanged(int messages, int displaced = 0)
    {
        Interlocked.Add(ref _queued, messages - displaced);
        if (displaced > 0)
        {
            MessagesDropped(displaced);
        }
    }

    public void MessageRateLimited() => Interlocked.Increment(ref _rateLimited);

    /// <summary>What other clients sent to a receiver for which too much of that waited.</summary>
    public void MessagesDropped(int messages) => Interlocked.Add(ref _dropped, messages);

    public void SessionClosed(CloseReason reason) => Interlocked.Increment(ref _closedByReason[(int)reason]);

    /// <summary>Client sessions closed, by reason.</summary>
    public IEnumerable<KeyValuePair<string, long>> ClosedByReason() =>
        CloseReasons.OfClients.Select(row => KeyValuePair.Create(row.Label, Interlocked.Read(ref _closedByReason[(int)row.Reason])));

    /// <summary>Client messages received, by the name of their type.</summary>
    public IEnumerable<KeyValuePair<string, long>> ReceivedByType() =>
        _messagesByType.Select(type => KeyValuePair.Create(type.Key, Interlocked.Read(ref type.Value.Value)));

    public void Dispose() => Meter.Dispose();
}
