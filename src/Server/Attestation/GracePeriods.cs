using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Attestation;

/// <summary>
/// Whose free time before attestation runs, by address: a new socket is no new free time. An address that has not asked for it as long
/// as a proof holds is forgotten; in a full table, one of the network that has most addresses in it.
/// </summary>
internal sealed class GracePeriods(AttestationOptions options, TimeProvider time)
{
    private readonly Lock _lock = new();

    // Guarded by _lock. Longest unused first.
    private readonly Dictionary<IpKey, Period> _periods = [];
    private readonly LinkedList<Period> _byUse = [];
    private readonly FairPool<Period> _shares = new();

    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _periods.Count;
            }
        }
    }

    /// <summary>True while the address's free time runs. It begins when the socket connected that is the first to need it.</summary>
    public bool Allows(IpKey address, long connectedAt)
    {
        lock (_lock)
        {
            Forget();
            if (!_periods.TryGetValue(address, out var period))
            {
                _periods.Add(address, period = new Period(address, connectedAt));
                period.Share = _shares.Add(address, 1, period);
            }
            else
            {
                _byUse.Remove(period.ByUse!);
            }

            period.Used = time.GetTimestamp();
            period.ByUse = _byUse.AddLast(period);
            if (_periods.Count > options.MaxGracePeriods)
            {
                Remove(_shares.Surplus(period.Share!).First!.Value.Item);
            }

            return period.ByUse.List is not null && time.GetElapsedTime(period.Since) < options.GracePeriod;
        }
    }

    private void Forget()
    {
        while (_byUse.First is { } oldest && time.GetElapsedTime(oldest.Value.Used) >= options.SessionLifetime)
        {
            Remove(oldest.Value);
        }
    }

    private void Remove(Period period)
    {
        _periods.Remove(period.Address);
        _byUse.Remove(period.ByUse!);
        _shares.Remove(period.Share!);
    }

    private sealed class Period(IpKey address, long since)
    {
        public IpKey Address => address;

        public long Since => since;

        public long Used { get; set; }

        public LinkedListNode<Period>? ByUse { get; set; }

        public LinkedListNode<Held<Period>>? Share { get; set; }
    }
}
