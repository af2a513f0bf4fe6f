using Relay.Addresses;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>The counts of one key: an address, or a network that addresses are counted in as well. Touched only under the ledger's lock.</summary>
internal struct KeyRecord
{
    // Decisions of one key that are logged, admissions and refusals each: enough to see what it does, not enough to drown the
    // others. One budget for both would be used up by the time that an address which fills its slots is refused for the first time.
    private const int LoggedBurst = 10;
    private static readonly TimeSpan LoggedPeriod = TimeSpan.FromSeconds(10);

    // What every decision touches, of the record and of its networks, comes first: one cache line.
    public IpKey Key;
    public int Live;

    // Records of the networks it lies in, or -1. Sure while Live is above 0, because then they are live as well; else where they were.
    public int Near;
    public int Far;

    // Links of an idle list while Live is 0; Next also links the free list.
    public int Next;
    public int Previous;
    public bool Idle;

    /// <summary>A network of several addresses, which are counted in it as well.</summary>
    public bool IsNetwork;

    /// <summary>In <see cref="ChangedKeys"/> already.</summary>
    public bool IsChanged;
    public long LastSeen;

    /// <summary>Refused; of a network all that came from inside it.</summary>
    public long Refused;
    public long Admitted;
    public int Peak;
    public TokenBucket Rate;

    /// <summary>How often this key is refused.</summary>
    public OverloadMeter Refusals;

    /// <summary>Of those refused the ones that the network's own limit refused.</summary>
    public long RefusedByNetwork;

    /// <summary>Admitted, and the shadow limits would have refused.</summary>
    public long ShadowRefused;
    public long FirstSeen;
    public TokenBucket ShadowRate;

    // Decisions that may still be logged, and those not logged since the last that was.
    private TokenBucket _logAdmitted;
    private TokenBucket _logRefused;
    private int _leftOutAdmitted;
    private int _leftOutRefused;

    /// <summary>True when one more decision of this key is to be logged; <paramref name="leftOut"/> of its kind have not been since the last.</summary>
    public bool TakeLog(bool isRefusal, long now, TimeProvider time, out int leftOut) => isRefusal
        ? TakeLog(ref _logRefused, ref _leftOutRefused, now, time, out leftOut)
        : TakeLog(ref _logAdmitted, ref _leftOutAdmitted, now, time, out leftOut);

    /// <summary>False: the slot is free, and what it holds is what it held.</summary>
    public readonly bool IsInUse => Live > 0 || Idle;

    public readonly KeyTotals Totals => new(Key, Live)
    {
        IsNetwork = IsNetwork,
        Peak = Peak,
        Admitted = Admitted,
        Refused = Refused,
        RefusedByNetwork = RefusedByNetwork,
        ShadowRefused = ShadowRefused,
        FirstSeen = FirstSeen,
        LastSeen = LastSeen,
    };

    private static bool TakeLog(ref TokenBucket bucket, ref int omitted, long now, TimeProvider time, out int leftOut)
    {
        var isLogged = bucket.TryTake(1, LoggedBurst, LoggedPeriod, now, time);
        leftOut = omitted;
        omitted = isLogged ? 0 : leftOut + 1;
        return isLogged;
    }
}
