using System.Collections.Frozen;
using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using Relay.Protocol;

namespace Relay.Telemetry;

/// <summary>
/// The one meter. What happens often is counted in plain fields that instruments read when they are scraped; gauges whose
/// figures have another owner are added by <c>Http/MetricsEndpoint.cs</c>.
/// </summary>
internal sealed class RelayMetrics : IDisposable
{
    public const string MeterName = "Relay";

    // Atomic, all of the following.
    private readonly FrozenDictionary<string, StrongBox<long>> _messagesByType;
    private readonly long[] _closedByReason = new long[CloseReasons.All.Count];
    private readonly long[] _peerRefusals = new long[CloseReasons.All.Count];
    private long _messagesSent;
    private long _bytesReceived;
    private long _bytesSent;
    private long _queued;
    private long _rateLimited;
    private long _gossipIgnored;

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
            description: "Time to decide whether a socket may come in.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1e-7, 2e-7, 5e-7, 1e-6, 2e-6, 5e-6, 1e-5, 1e-4, 1e-3, 1e-2] });
        _forward = Meter.CreateHistogram(
            "relay.forward.duration",
            unit: "s",
            description: "From the last byte of a client's message read to the forwarded message written to its target's socket.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 1] });
        Meter.CreateObservableCounter("relay.messages.received", Messages, description: "Client messages received, by type.");
        Meter.CreateObservableCounter("relay.sessions.closed", Closed, description: "Client sessions ended, by reason.");
        Meter.CreateObservableCounter("relay.peers.refused", PeersRefused, description: "Peer server handshakes refused, by reason.");
        Meter.CreateObservableCounter("relay.messages.sent", () => MessagesSent, description: "Messages written to client sockets.");
        Meter.CreateObservableCounter("relay.received", () => BytesReceived, unit: "By", description: "Bytes of messages received from clients.");
        Meter.CreateObservableCounter("relay.sent", () => BytesSent, unit: "By", description: "Bytes of messages sent to clients.");
        Meter.CreateObservableCounter("relay.messages.rate_limited", () => RateLimited, description: "Client messages refused by the general rate limit.");
        Meter.CreateObservableCounter("relay.gossip.ignored", () => GossipIgnored, description: "Gossip frames received from peer servers and ignored.");
        Meter.CreateObservableUpDownCounter("relay.queue.messages", () => Queued, description: "Messages that wait in all outgoing queues.");
    }

    public Meter Meter { get; }

    public long MessagesReceived => _messagesByType.Values.Sum(count => Interlocked.Read(ref count.Value));

    public long MessagesSent => Interlocked.Read(ref _messagesSent);

    public long BytesReceived => Interlocked.Read(ref _bytesReceived);

    public long BytesSent => Interlocked.Read(ref _bytesSent);

    public long Queued => Interlocked.Read(ref _queued);

    public long RateLimited => Interlocked.Read(ref _rateLimited);

    public long GossipIgnored => Interlocked.Read(ref _gossipIgnored);

    public void AdmissionDecided(TimeSpan took) => _admission.Record(took.TotalSeconds);

    public void Forwarded(TimeSpan took) => _forward.Record(took.TotalSeconds);

    public void MessageReceived(string type) => Interlocked.Increment(ref _messagesByType[type].Value);

    public void BytesArrived(int bytes) => Interlocked.Add(ref _bytesReceived, bytes);

    public void MessageSent(int bytes)
    {
        Interlocked.Increment(ref _messagesSent);
        Interlocked.Add(ref _bytesSent, bytes);
    }

    public void QueueChanged(int messages) => Interlocked.Add(ref _queued, messages);

    public void MessageRateLimited() => Interlocked.Increment(ref _rateLimited);

    public void GossipFrameIgnored() => Interlocked.Increment(ref _gossipIgnored);

    public void SessionClosed(CloseReason reason) => Interlocked.Increment(ref _closedByReason[(int)reason]);

    public void PeerRefused(CloseReason reason) => Interlocked.Increment(ref _peerRefusals[(int)reason]);

    /// <summary>Reasons that happened at least once, with how often.</summary>
    public IEnumerable<KeyValuePair<string, long>> ClosedByReason() => NonZero(_closedByReason);

    /// <summary>Reasons for which peer servers were refused at least once, with how often.</summary>
    public IEnumerable<KeyValuePair<string, long>> PeerRefusalsByReason() => NonZero(_peerRefusals);

    public void Dispose() => Meter.Dispose();

    private IEnumerable<Measurement<long>> Messages() =>
        _messagesByType.Select(type => new Measurement<long>(
            Interlocked.Read(ref type.Value.Value), new KeyValuePair<string, object?>("type", type.Key)));

    private IEnumerable<Measurement<long>> Closed() => Labelled(ClosedByReason());

    private IEnumerable<Measurement<long>> PeersRefused() => Labelled(PeerRefusalsByReason());

    private static IEnumerable<Measurement<long>> Labelled(IEnumerable<KeyValuePair<string, long>> counts) =>
        counts.Select(count => new Measurement<long>(count.Value, new KeyValuePair<string, object?>("reason", count.Key)));

    private static IEnumerable<KeyValuePair<string, long>> NonZero(long[] counts)
    {
        for (var i = 0; i < counts.Length; i++)
        {
            if (Interlocked.Read(ref counts[i]) is > 0 and var count)
            {
                yield return new KeyValuePair<string, long>(CloseReasons.Label((CloseReason)i), count);
            }
        }
    }
}
