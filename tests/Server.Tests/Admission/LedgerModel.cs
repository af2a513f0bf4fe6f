using Relay.Admission;
using Relay.Policy;

namespace Server.Tests.Admission;

/// <summary>What the ledger should do, written the obvious way.</summary>
internal sealed class LedgerModel(int total, int perIp, int remembered)
{
    private sealed class Entry
    {
        public int Live;
        public int Peak;
        public int Admitted;
        public int Refused;
    }

    private readonly Dictionary<int, Entry> _keys = [];
    private readonly List<int> _idle = [];
    private readonly HashSet<int> _released = [];
    private readonly int[] _refused = new int[4];
    private int _admitted;
    private int _peak;

    public int Total { get; set; } = total;

    public int PerIp { get; set; } = perIp;

    private int Live => _keys.Values.Sum(entry => entry.Live);

    public Refusal Take(int key)
    {
        var entry = Find(key);
        var refusal = Live >= Total ? Refusal.TotalLimit : entry.Live >= PerIp ? Refusal.PerIpLimit : Refusal.None;
        if (refusal != Refusal.None)
        {
            Refuse(key, entry, refusal);
            return refusal;
        }

        _idle.Remove(key);
        entry.Live++;
        entry.Admitted++;
        entry.Peak = Math.Max(entry.Peak, entry.Live);
        _admitted++;
        _peak = Math.Max(_peak, Live);
        return Refusal.None;
    }

    public void CountStopping(int key) => Refuse(key, Find(key), Refusal.Stopping);

    public void Release(int lease, int key)
    {
        if (_released.Add(lease) && --_keys[key].Live == 0)
        {
            Touch(key);
            Forget(except: -1);
        }
    }

    public void Check(ConnectionLedger ledger, LimitPolicy policy, TimeProvider time)
    {
        var totals = ledger.Totals();
        Assert.Equal(
            (Live, _peak, _keys.Values.Count(entry => entry.Live > 0), (long)_admitted),
            (totals.Live, totals.Peak, totals.KeysHolding, totals.Admitted));
        Assert.Equal(_refused.Select(count => (long)count), totals.Refused.Take(_refused.Length));
        Assert.Empty(ledger.Snapshot().Recount());
        Assert.Equal(
            _keys.OrderBy(pair => pair.Key).Select(pair => (pair.Key, pair.Value.Live, pair.Value.Peak, (long)pair.Value.Admitted, (long)pair.Value.Refused)),
            ledger.Snapshot().Keys().OrderBy(key => key.Key.Low).Select(key => ((int)key.Key.Low, key.Live, key.Peak, key.Admitted, key.Refused)));
        Assert.Equal(
            _keys.OrderBy(pair => pair.Key).SelectMany(pair => Enumerable.Repeat(pair.Key, pair.Value.Live)),
            ledger.Snapshot().HeldLeases().Values.Select(key => (int)key.Low).Order());
        Assert.Equal(_keys.Values.Count(entry => entry.Live > PerIp), ledger.Snapshot().Excess(policy, time).Count(over => !over.IsNetwork));
    }

    private void Refuse(int key, Entry entry, Refusal refusal)
    {
        entry.Refused++;
        _refused[(int)refusal]++;
        if (entry.Live == 0)
        {
            Touch(key);
        }
    }

    private Entry Find(int key)
    {
        if (!_keys.TryGetValue(key, out var entry))
        {
            _keys.Add(key, entry = new Entry());
            Touch(key);
            Forget(except: key);
        }

        return entry;
    }

    private void Touch(int key)
    {
        _idle.Remove(key);
        _idle.Add(key);
    }

    private void Forget(int except)
    {
        if (_idle.Count > remembered && _idle[0] != except)
        {
            _keys.Remove(_idle[0]);
            _idle.RemoveAt(0);
        }
    }
}
