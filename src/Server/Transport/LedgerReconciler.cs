using Relay.Addresses;
using Relay.Admission;
using Relay.Events;

namespace Relay.Transport;

/// <summary>One recount of the live sockets against the ledger.</summary>
/// <param name="Ledger">Slots that the ledger has acquired.</param>
/// <param name="Live">Live client sockets found.</param>
/// <param name="Keys">Keys whose counts differ: in the ledger, found.</param>
/// <param name="Uncounted">Of those in the ledger the ones of unlimited networks, which count against no limit.</param>
internal sealed record AuditResult(DateTimeOffset Time, int Ledger, int Live, int Uncounted, IReadOnlyList<(IpKey Key, int Ledger, int Live)> Keys)
{
    public int Drift => Ledger - Live;

    public bool Ok => Keys.Count == 0;
}

/// <summary>
/// Recounts the live sockets every minute and on demand. Sockets come and go while it counts, so only what differs in
/// several checks in a row is a drift.
/// </summary>
internal sealed class LedgerReconciler(ConnectionLedger ledger, ConnectionTable table, RelayEvents events, TimeProvider time)
{
    private const int Looks = 3;
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(50);

    // Replaced whole.
    private volatile AuditResult? _last;
    private long _runs;
    private long _drifts;

    public AuditResult? Last => _last;

    public long Runs => Interlocked.Read(ref _runs);

    public long Drifts => Interlocked.Read(ref _drifts);

    public async Task<AuditResult> RunAsync(CancellationToken cancellationToken)
    {
        // Leases without a socket, and sockets without a lease, that every look so far has found.
        Dictionary<AdmissionLease, IpKey>? leaked = null;
        Dictionary<AdmissionLease, IpKey>? unbooked = null;
        var snapshot = ledger.Snapshot();
        var held = snapshot.HeldLeases();
        for (var look = 0; look < Looks && leaked is not { Count: 0 } | unbooked is not { Count: 0 }; look++)
        {
            if (look > 0)
            {
                await Task.Delay(BetweenLooks, time, cancellationToken);
                snapshot = ledger.Snapshot();
                held = snapshot.HeldLeases();
            }

            var live = LiveLeases();
            leaked = Persisting(leaked, held.Where(lease => !live.ContainsKey(lease.Key)));
            unbooked = Persisting(unbooked, live.Where(lease => !held.ContainsKey(lease.Key)));
        }

        // In a snapshot nothing moves: what the ledger says of an address or a network must be what a count of its leases says.
        var result = Evaluate(snapshot, held.Count, leaked!, unbooked!);
        _last = result;
        Interlocked.Increment(ref _runs);
        if (!result.Ok)
        {
            Interlocked.Increment(ref _drifts);
            events.Publish(new LedgerDrifted(result.Drift, result.Ledger, result.Live, result.Keys.Count));
        }

        return result;
    }

    private Dictionary<AdmissionLease, IpKey> LiveLeases()
    {
        var live = new Dictionary<AdmissionLease, IpKey>();
        foreach (var connection in table.All)
        {
            if (connection.LiveLease is { } lease)
            {
                live[lease] = connection.Key;
            }
        }

        return live;
    }

    private static Dictionary<AdmissionLease, IpKey> Persisting(
        Dictionary<AdmissionLease, IpKey>? before, IEnumerable<KeyValuePair<AdmissionLease, IpKey>> now) =>
        now.Where(lease => before is null || before.ContainsKey(lease.Key)).ToDictionary();

    private AuditResult Evaluate(LedgerSnapshot snapshot, int held, Dictionary<AdmissionLease, IpKey> leaked, Dictionary<AdmissionLease, IpKey> unbooked)
    {
        var live = held - leaked.Count + unbooked.Count;
        var onBooks = snapshot.Keys().ToDictionary(key => key.Key, key => key.Live + key.Uncounted);
        var keys = leaked.Values.Concat(unbooked.Values).Distinct()
            .Select(key =>
            {
                var booked = onBooks.GetValueOrDefault(key);
                return (key, booked, booked - leaked.Values.Count(k => k == key) + unbooked.Values.Count(k => k == key));
            })
            .Concat(snapshot.Recount().Select(key => (key.Key, key.Booked, key.Counted)))
            .ToList();
        return new AuditResult(time.GetUtcNow(), held, live, snapshot.Uncounted, keys);
    }
}
