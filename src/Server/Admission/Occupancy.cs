using System.Runtime.CompilerServices;
using Relay.Addresses;
using Relay.Policy;
using Relay.RateLimiting;

namespace Relay.Admission;

/// <summary>
/// How many connections are live, in total, per address and per network, and what a decision would be made from. Touched only
/// under the ledger's lock.
/// </summary>
internal sealed class Occupancy(int remembered, int ipv6Prefix, TimeProvider time, RemoteCounts? remote)
{
    private readonly UncountedSockets _uncounted = new();
    private TokenBucket _rate;

    /// <summary>How fast all together have been admitted.</summary>
    public ref TokenBucket Rate => ref _rate;

    public KeyRecords Records { get; } = new(remembered, ipv6Prefix, time);

    /// <summary>Those that clients have authenticated as.</summary>
    public SubjectRecords Subjects { get; } = new(remembered, ipv6Prefix, time);

    public Ceiling Ceiling { get; set; } = Ceiling.None;

    /// <summary>Live connections that count against limits.</summary>
    public int Total { get; private set; }

    /// <summary>The highest value of Total.</summary>
    public int Peak { get; private set; }

    /// <summary>Live connections of unlimited networks.</summary>
    public int Uncounted => _uncounted.Count;

    /// <summary>What an attempt would be decided from, and a copy of the record that it would count in: an empty one where there is none yet. Changes nothing.</summary>
    public (RuleInput Input, KeyRecord Record) Look(LimitPolicy policy, IpKey address, Standing standing, Subject? subject, long now)
    {
        if (subject is not null && IsBySubject(policy, address, subject))
        {
            var known = Subjects.Records.Find(subject.Key);
            var own = known == KeyRecords.None ? default : Subjects[known];
            return (InputOf(address, standing, subject, subject.Key, new LiveCounts(Total, own.Live, 0, 0), now), own);
        }

        var (key, slot) = Records.Locate(address.TruncateIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var record = slot == KeyRecords.None ? default : Records[slot];
        var live = LiveOf(key, KeyLimits.Of(policy, address, key).IsCounted);
        return (InputOf(address, standing, subject, key, live, now), record);
    }

    /// <summary>
    /// The same for an attempt that is being decided: its records, which are returned, and those of its networks are found or made. Of a person who counts
    /// instead of his address the first is <see cref="LeaseSlots.BySubject"/>; of nobody the second is None.
    /// </summary>
    public (int Record, int Subject) Find(LimitPolicy policy, IpKey address, Standing standing, Subject? subject, long now, out RuleInput input)
    {
        var known = subject is null ? LeaseSlots.None : Subjects.FindOrAdd(subject, now);
        if (subject is not null && IsBySubject(policy, address, subject))
        {
            input = InputOf(address, standing, subject, subject.Key, new LiveCounts(Total, Subjects[known].Live, 0, 0), now);
            return (LeaseSlots.BySubject, known);
        }

        var slot = Records.FindOrAdd(address.TruncateIpv6(policy.Ipv6Prefix), now, policy.RatePerIp);
        var live = Records.Look(slot, Total, now);
        ref var record = ref Records[slot];
        record.LastSeen = now;
        input = InputOf(address, standing, subject, record.Key, live, now);
        return (slot, known);
    }

    /// <summary>
    /// Live connections of a key and its networks. No limit counts those of an unlimited network but the shadow's, which may
    /// have one for it: then they are included.
    /// </summary>
    public LiveCounts LiveOf(IpKey key, bool isCounted)
    {
        var (near, far) = Tiers.NetworksOf(key);
        return new LiveCounts(Total, Of(key), Of(near), Of(far));

        int Of(IpKey? one) => Records.LiveOf(one) + (isCounted ? 0 : _uncounted.Of(one));
    }

    /// <summary>The record whose rate and whose overload level decide.</summary>
    public ref KeyRecord RecordOf(int record, int subject) =>
        ref (record == LeaseSlots.BySubject ? ref Subjects[subject] : ref Records[record]);

    /// <summary>Counts a refusal of records that were just found.</summary>
    public void CountRefusal(int record, int subject, Refusal refusal)
    {
        if (record >= 0)
        {
            Records.CountRefusal(record, refusal);
        }

        if (subject >= 0)
        {
            Subjects.Records.CountRefusal(subject, refusal);
        }
    }

    /// <summary>One connection more on records that were just found.</summary>
    public void Enter(int record, int subject, LimitPolicy policy)
    {
        AdmissionRules.TakeRates(policy, ref RecordOf(record, subject).Rate, ref _rate);
        EnterUnjudged(record, subject);
    }

    /// <summary>The same for a connection that was admitted elsewhere: it did not come now.</summary>
    public void EnterUnjudged(int record, int subject)
    {
        if (record >= 0)
        {
            Records.Enter(record);
        }

        EnterSubject(subject);
        Peak = Math.Max(Peak, ++Total);
    }

    public void EnterUncounted(int lease, IpKey key, int subject)
    {
        _uncounted.Enter(lease, key);
        EnterSubject(subject);
    }

    /// <summary>A lease has ended that counted in these records.</summary>
    public void Leave(int lease, int record, int subject, long now)
    {
        if (record == LeaseSlots.Uncounted)
        {
            _uncounted.Leave(lease);
        }
        else
        {
            Total--;
        }

        if (record >= 0)
        {
            Records.Leave(record, now);
        }

        if (subject >= 0)
        {
            Subjects.Records.Leave(subject, now);
        }
    }

    /// <summary>What a lease counts by, or would.</summary>
    public IpKey KeyOf(int lease, int record, int subject) => record switch
    {
        LeaseSlots.Uncounted => _uncounted.KeyOf(lease),
        LeaseSlots.BySubject => Subjects[subject].Key,
        _ => Records[record].Key,
    };

    private void EnterSubject(int subject)
    {
        if (subject >= 0)
        {
            Subjects.Records.Enter(subject);
        }
    }

    // An address that counts against no limit has nothing that a person could count instead of.
    private static bool IsBySubject(LimitPolicy policy, IpKey address, Subject subject) =>
        subject.IsUnlimited && KeyLimits.Of(policy, address, subject.Key).IsCounted;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private RuleInput InputOf(IpKey address, Standing standing, Subject? subject, IpKey key, in LiveCounts live, long now) => new()
    {
        Address = address,
        Key = key,
        Standing = standing,
        Subject = subject is null ? default : InputOf(subject),
        Local = live,
        Remote = remote?.Of(key) ?? default,
        ClusterTotal = remote?.TotalLimit ?? 0,
        Ceiling = Ceiling,
        Now = now,
    };

    private SubjectInput InputOf(Subject subject)
    {
        var elsewhere = remote?.Of(subject.Key).Key ?? 0;
        return new SubjectInput(subject.Key, Subjects.Records.LiveOf(subject.Key) + elsewhere, subject.Limit, elsewhere);
    }
}
