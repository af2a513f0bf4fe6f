using System.Runtime.InteropServices;
using Relay.Addresses;

namespace Relay.Admission;

/// <summary>
/// The sockets of unlimited networks, per key and per network that it lies in. No limit looks at them; the shadow does, whose
/// limits may apply to these networks. Touched only under the ledger's lock.
/// </summary>
internal sealed class UncountedSockets
{
    private readonly Dictionary<IpKey, int> _live = [];

    // By slot of the lease.
    private IpKey[] _keys = new IpKey[64];

    public int Count { get; private set; }

    /// <summary>The key of a lease that is held.</summary>
    public IpKey KeyOf(int lease) => _keys[lease];

    public int Of(IpKey? key) => key is { } one ? _live.GetValueOrDefault(one) : 0;

    public void Enter(int lease, IpKey key)
    {
        if (lease >= _keys.Length)
        {
            Array.Resize(ref _keys, Math.Max(lease + 1, _keys.Length * 2));
        }

        _keys[lease] = key;
        Count++;
        Add(key, 1);
    }

    public void Leave(int lease)
    {
        Count--;
        Add(_keys[lease], -1);
    }

    private void Add(IpKey key, int change)
    {
        var (near, far) = Tiers.NetworksOf(key);
        AddOne(key, change);
        AddOne(near, change);
        AddOne(far, change);
    }

    private void AddOne(IpKey? key, int change)
    {
        if (key is { } one)
        {
            ref var live = ref CollectionsMarshal.GetValueRefOrAddDefault(_live, one, out _);
            live += change;
            if (live == 0)
            {
                _live.Remove(one);
            }
        }
    }
}
