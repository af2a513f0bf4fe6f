using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Relay.Cluster;
using Relay.Cluster.V1;

namespace Relay.Admission;

/// <summary>
/// Tells the other nodes what this one holds, and hears what they hold. Each node tells what has changed every <see cref="Interval"/>, all that it
/// holds every <see cref="AllInterval"/>, and all to a node that is new or has missed something.
/// </summary>
internal sealed class ClusterCounts : IHostedService
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(500);

    private const string Told = "counts";
    private const string Wanted = "counts_wanted";

    // Decisions wait while these are looked up.
    private const int Batch = 256;

    private static readonly TimeSpan AllInterval = TimeSpan.FromSeconds(10);

    // Of a node that holds what it held: it is still heard, and its total.
    private static readonly TimeSpan QuietInterval = TimeSpan.FromSeconds(1);

    private readonly ConnectionLedger _ledger;
    private readonly RemoteCounts _remote;
    private readonly ClusterBus _bus;
    private readonly ClusterSubjects _subjects;
    private readonly ClusterNode _own;
    private readonly ClusterNodes _nodes;
    private readonly TimeProvider _time;
    private readonly CountsPublisher _publisher;

    // Nodes that are to be told all; those that have been asked to tell all, and when.
    private readonly ConcurrentDictionary<ulong, bool> _wanting = [];
    private readonly ConcurrentDictionary<ulong, long> _asked = [];

    // The periodic work's alone.
    private long? _toldAt;
    private long? _toldAllAt;

    // Where the connection is read.
    private readonly List<RemoteGrowth> _grown = [];

    // Atomic.
    private long _overshoots;
    private long _malformed;
    private int _worst;

    public ClusterCounts(
        ConnectionLedger ledger,
        CountsPublisher publisher,
        RemoteCounts remote,
        ClusterBus bus,
        ClusterSubjects subjects,
        ClusterNode own,
        ClusterNodes nodes,
        TimeProvider time)
    {
        (_ledger, _publisher, _remote, _bus, _subjects, _own, _nodes, _time) = (ledger, publisher, remote, bus, subjects, own, nodes, time);
    }

    /// <summary>How often keys turned out to be above their limits in all nodes together, and by how much the worst was.</summary>
    public (long Keys, int Worst) Overshoot => (Interlocked.Read(ref _overshoots), Volatile.Read(ref _worst));

    /// <summary>Messages that no relay has written so.</summary>
    public long Malformed => Interlocked.Read(ref _malformed);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        _ledger.TrackChanges();
        _nodes.Joined += (_, epoch) => _wanting[epoch] = true;
        _nodes.Gone += epoch => _remote.Forget(epoch);
        await _bus.SubscribeAsync(_subjects.All(Told), Hear);
        await _bus.SubscribeAsync(_subjects.Node(_own.Epoch, Told), Hear);
        await _bus.SubscribeAsync(_subjects.Node(_own.Epoch, Wanted), HearWanted);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>At every interval.</summary>
    public void Publish()
    {
        ForgetTheGone();
        if (!_bus.IsUp)
        {
            // Alone; all is told when it is back.
            _publisher.Changes(always: false);
            _toldAllAt = null;
            return;
        }

        var isDue = IsPast(_toldAllAt, AllInterval) || _publisher.IsAllDue;
        var changes = _publisher.Changes(always: IsPast(_toldAt, QuietInterval));
        if (changes.Count > 0)
        {
            _toldAt = _time.GetTimestamp();

            // What was not sent, is missed: the others ask.
            SendAll(_subjects.All(Told), changes);
        }

        if (!isDue && _wanting.IsEmpty)
        {
            return;
        }

        var all = _publisher.All();
        if (isDue && SendAll(_subjects.All(Told), all))
        {
            _toldAllAt = _time.GetTimestamp();
            _wanting.Clear();
        }

        foreach (var (epoch, _) in _wanting)
        {
            if (!_nodes.IsHere(epoch) || SendAll(_subjects.Node(epoch, Told), all))
            {
                _wanting.TryRemove(epoch, out _);
            }
        }
    }

    private bool SendAll(string subject, List<Counts> messages) => messages.TrueForAll(message => _bus.TrySend(subject, new Envelope { Counts = message }));

    // A node may go while what it told is being taken.
    private void ForgetTheGone()
    {
        foreach (var epoch in _remote.Nodes.Where(epoch => !_nodes.IsHere(epoch)))
        {
            _remote.Forget(epoch);
        }

        foreach (var (epoch, _) in _asked.Where(asked => !_nodes.IsHere(asked.Key)))
        {
            _asked.TryRemove(epoch, out _);
        }
    }

    private void Hear(ClusterMessage message)
    {
        var epoch = message.Envelope.Epoch;
        if (message.Envelope.Counts is not { } counts || !_nodes.IsHere(epoch))
        {
            return;
        }

        lock (_grown)
        {
            switch (_remote.Apply(epoch, counts, _grown))
            {
                case CountsOutcome.Malformed:
                    Interlocked.Increment(ref _malformed);
                    return;
                case CountsOutcome.Incomplete:
                    Ask(epoch);
                    break;
            }

            CountOvershoot(CollectionsMarshal.AsSpan(_grown));
        }
    }

    private void Ask(ulong epoch)
    {
        if (_asked.TryGetValue(epoch, out var before) && !IsPast(before, QuietInterval))
        {
            return;
        }

        _asked[epoch] = _time.GetTimestamp();
        _bus.TrySend(_subjects.Node(epoch, Wanted), new Envelope { CountsWanted = new CountsWanted() });
    }

    private void HearWanted(ClusterMessage message)
    {
        if (message.Envelope.CountsWanted is not null && _nodes.IsHere(message.Envelope.Epoch))
        {
            _wanting[message.Envelope.Epoch] = true;
        }
    }

    private void CountOvershoot(ReadOnlySpan<RemoteGrowth> grown)
    {
        for (; grown.Length > 0; grown = grown[Math.Min(Batch, grown.Length)..])
        {
            var (keys, worst) = _ledger.Overshoot(grown[..Math.Min(Batch, grown.Length)]);
            Interlocked.Add(ref _overshoots, keys);
            if (worst > Volatile.Read(ref _worst))
            {
                Volatile.Write(ref _worst, worst);
            }
        }
    }

    private bool IsPast(long? since, TimeSpan interval) => since is not { } before || _time.GetElapsedTime(before) >= interval;
}
