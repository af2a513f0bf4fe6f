using Relay.Addresses;
using Relay.Policy;

namespace Relay.Admission;

/// <summary>
/// The records by key. Bounded: what holds no connection is remembered up to a number and then forgotten, the one seen
/// longest ago first, unless its rate has not recovered yet: then the new one is counted with its neighbours in the next
/// wider network that has free slots. A full table neither admits nor refuses everything.
/// </summary>
/// <param name="remembered">Addresses without a connection, and as many networks; at least 2, so that an address finds both of its networks.</param>
internal sealed class KeyRecords(int remembered, int ipv6Prefix, TimeProvider time)
{
    public const int None = -1;

    private readonly Dictionary<IpKey, int> _index = [];

    // Addresses and networks apart, so that neither crowds the other out.
    private readonly IdleRecords _idleKeys = new();
    private readonly IdleRecords _idleNetworks = new();
    private KeyRecord[] _records = new KeyRecord[64];
    private int _used;
    private int _free = None;

    /// <summary>Addresses that hold a connection.</summary>
    public int Holding { get; private set; }

    public ref KeyRecord this[int slot] => ref _records[slot];

    /// <summary>Slots that have ever been in use, from 0.</summary>
    public int Used => _used;

    /// <summary>Follows changes of what records hold; null: nobody wants to know.</summary>
    public ChangedKeys? Changed { get; set; }

    /// <summary>True for what counts as one address, or one person, here; false for a network of several.</summary>
    public bool IsAddress(IpKey key) => key.IsIpv6 ? key.PrefixLength >= ipv6Prefix : key.Bits is 32 || key == IpKey.Unresolved || key.IsSubject;

    public int Find(IpKey key) => _index.GetValueOrDefault(key, None);

    public int LiveOf(IpKey? key) => key is { } one && Find(one) is >= 0 and var slot ? _records[slot].Live : 0;

    /// <summary>What <paramref name="key"/> counts by now, itself or the network that stands in for it, and its record if there is one already. Changes nothing.</summary>
    public (IpKey Key, int Slot) Locate(IpKey key, long now, ConnectRate rate)
    {
        while (true)
        {
            if (_index.TryGetValue(key, out var slot))
            {
                return (key, slot);
            }

            if (HasCapacity(key, rate, now))
            {
                return (key, None);
            }

            key = Wider(key);
        }
    }

    /// <summary>The record of <paramref name="key"/>, or of the network that stands in for it. References taken before may be stale.</summary>
    public int FindOrAdd(IpKey key, long now, ConnectRate rate)
    {
        if (_index.TryGetValue(key, out var slot))
        {
            return Seen(slot);
        }

        (key, slot) = Locate(key, now, rate);
        return slot == None ? Add(key, now) : Seen(slot);
    }

    /// <summary>Live connections of a record and of the networks that it lies in, which are found or made.</summary>
    public LiveCounts Look(int slot, int total, long now)
    {
        if (_records[slot].Live == 0)
        {
            // Made here and not at the admission, because the networks decide too. Making one may move the records.
            var (near, far) = Tiers.NetworksOf(_records[slot].Key);
            var nearSlot = near is { } n ? FindOrAddNetwork(n, _records[slot].Near, now) : None;
            var farSlot = far is { } f ? FindOrAddNetwork(f, _records[slot].Far, now) : None;
            (_records[slot].Near, _records[slot].Far) = (nearSlot, farSlot);
            if (nearSlot != None && _records[nearSlot].Live == 0)
            {
                // It may stand in for addresses itself while they hold it live, and must then know the network around it.
                (_records[nearSlot].Near, _records[nearSlot].Far) = (None, farSlot);
            }
        }

        ref var record = ref _records[slot];
        SawNetwork(record.Near, now);
        SawNetwork(record.Far, now);
        return new LiveCounts(total, record.Live, LiveOf(record.Near), LiveOf(record.Far));
    }

    /// <summary>One connection more for a record that was just looked at, and for its networks.</summary>
    public void Enter(int slot)
    {
        var (near, far) = (_records[slot].Near, _records[slot].Far);
        EnterOne(slot);
        EnterOne(near);
        EnterOne(far);
    }

    /// <summary>One connection less.</summary>
    public void Leave(int slot, long now)
    {
        var (near, far) = (_records[slot].Near, _records[slot].Far);
        LeaveOne(slot, now);
        LeaveOne(near, now);
        LeaveOne(far, now);
    }

    /// <summary>The record holds none (any more): it was seen last of all.</summary>
    public void Touch(int slot)
    {
        IdleList(slot).Touch(_records, slot);
        ForgetOverflow(except: slot);
    }

    /// <summary>Counts a refusal of a record that was just looked at, and of its networks.</summary>
    public void CountRefusal(int slot, Refusal refusal)
    {
        ref var record = ref _records[slot];
        record.Refused++;
        if (record.IsNetwork && refusal == Refusal.PerIpLimit)
        {
            record.RefusedByNetwork++;
        }

        CountRefusalWithin(record.Near, refusal is Refusal.Per24Limit or Refusal.Per56Limit);
        CountRefusalWithin(record.Far, refusal == Refusal.Per48Limit);
        if (record.Live == 0)
        {
            Touch(slot);
        }
    }

    /// <summary>A copy of all records, for reading without the ledger's lock.</summary>
    public KeyRow[] Snapshot()
    {
        var rows = new KeyRow[_index.Count];
        var count = 0;
        foreach (var slot in _index.Values)
        {
            ref var record = ref _records[slot];
            rows[count++] = new KeyRow(slot, record.Near, record.Far, record.Totals);
        }

        return rows;
    }

    private int LiveOf(int slot) => slot == None ? 0 : _records[slot].Live;

    private void EnterOne(int slot)
    {
        if (slot == None)
        {
            return;
        }

        ref var record = ref _records[slot];
        if (record.Live++ == 0)
        {
            IdleList(slot).Remove(_records, slot);
            Holding += record.IsNetwork ? 0 : 1;
        }

        record.Admitted++;
        record.Peak = Math.Max(record.Peak, record.Live);
        Changed?.Add(ref record);
    }

    private void LeaveOne(int slot, long now)
    {
        if (slot == None)
        {
            return;
        }

        ref var record = ref _records[slot];
        record.LastSeen = now;
        Changed?.Add(ref record);
        if (--record.Live == 0)
        {
            Holding -= record.IsNetwork ? 0 : 1;
            Touch(slot);
        }
    }

    private void CountRefusalWithin(int slot, bool byItsLimit)
    {
        if (slot != None)
        {
            ref var record = ref _records[slot];
            record.Refused++;
            if (byItsLimit)
            {
                record.RefusedByNetwork++;
            }
        }
    }

    private void SawNetwork(int slot, long now)
    {
        if (slot != None)
        {
            _records[slot].LastSeen = now;
        }
    }

    // For counting in; always found or made. Where it was at the last attempt it mostly still is, and no look at the index is needed.
    private int FindOrAddNetwork(IpKey key, int last, long now) =>
        last != None && _records[last].IsInUse && _records[last].Key == key ? Seen(last)
        : _index.TryGetValue(key, out var slot) ? Seen(slot)
        : Add(key, now);

    // Making room for the next record must not take this one, which may have been the one seen longest ago until now.
    private int Seen(int slot)
    {
        if (_records[slot].Live == 0)
        {
            Touch(slot);
        }

        return slot;
    }

    private IdleRecords IdleList(int slot) => _records[slot].IsNetwork ? _idleNetworks : _idleKeys;

    private bool HasCapacity(IpKey key, ConnectRate rate, long now)
    {
        if (key.PrefixLength == 0 || key == IpKey.Unresolved)
        {
            return true;
        }

        var list = IsAddress(key) ? _idleKeys : _idleNetworks;
        return list.Count < remembered || rate.IsOff || _records[list.Oldest].Rate.IsFull(rate.Burst, rate.FillTime, now, time);
    }

    private static IpKey Wider(IpKey key) => key.Truncate(key switch
    {
        { IsIpv6: true, PrefixLength: > 56 } => 56,
        { IsIpv6: true, PrefixLength: > 48 } => 48,
        { IsIpv6: true, PrefixLength: > 32 } => 32,
        { IsIpv6: false, PrefixLength: > 24 } => 24,
        { IsIpv6: false, PrefixLength: > 16 } => 16,
        _ => 0,
    });

    private int Add(IpKey key, long now)
    {
        int slot;
        if (_free != None)
        {
            slot = _free;
            _free = _records[slot].Next;
        }
        else
        {
            if (_used == _records.Length)
            {
                Array.Resize(ref _records, _records.Length * 2);
            }

            slot = _used++;
        }

        _index.Add(key, slot);
        _records[slot] = new KeyRecord { Key = key, IsNetwork = !IsAddress(key), FirstSeen = now, Near = None, Far = None, Next = None, Previous = None };
        Touch(slot);
        return slot;
    }

    private void ForgetOverflow(int except)
    {
        var list = IdleList(except);
        var slot = list.Oldest;
        if (list.Count <= remembered || slot == except)
        {
            return;
        }

        list.Remove(_records, slot);
        _index.Remove(_records[slot].Key);
        _records[slot].Next = _free;
        _free = slot;
    }
}
