using Relay.RateLimiting;

namespace Relay.Federation.Gossip;

/// <summary>What the membership keeps for one authenticated link: which messages came, and how many. Guarded like <see cref="Member"/>.</summary>
internal sealed class GossipLink(long id, Member member, MembershipClock clock)
{
    private const int Window = 64;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private TokenBucket _messages;
    private TokenBucket _syncs;
    private TokenBucket _accusations;

    // Bit i: the message whose number is _newest - i was there.
    private ulong _seen;
    private long _newest;

    private TimeSpan? _syncSentAt;
    private TimeSpan? _answeredAt;

    public long Id => id;

    public Member Member => member;

    /// <summary>
    /// False for a number that was there before. Servers of other makes sign several messages at a time, so the numbers come a little out of
    /// order.
    /// </summary>
    public bool IsNew(long sequence)
    {
        if (sequence > _newest)
        {
            var step = sequence - _newest;
            _seen = step >= Window ? 1 : (_seen << (int)step) | 1;
            _newest = sequence;
            return true;
        }

        var age = _newest - sequence;
        if (sequence < 1 || age >= Window || (_seen & (1UL << (int)age)) != 0)
        {
            return false;
        }

        _seen |= 1UL << (int)age;
        return true;
    }

    /// <summary>Takes one message of this kind from the link's rates; false when there is none left.</summary>
    public bool TryTake(GossipBody body) =>
        _messages.TryTake(1, GossipLimits.MessagesPerMinute, Minute, clock.Time)
        && body switch
        {
            Join or StateSync => _syncs.TryTake(1, GossipLimits.SyncsPerMinute, Minute, clock.Time),
            PingRequest or Suspicion or Confirmation => _accusations.TryTake(1, GossipLimits.AccusationsPerMinute, Minute, clock.Time),
            _ => true,
        };

    /// <summary>Whether our members may be sent now: not shortly after they were sent.</summary>
    public bool MaySync => _syncSentAt is not { } sent || clock.Now - sent >= GossipLimits.SyncQuiet;

    /// <summary>Whether a join or state_sync may be answered now. Then it is counted as answered.</summary>
    public bool TryAnswerSync()
    {
        if (!MaySync || (_answeredAt is { } answered && clock.Now - answered < GossipLimits.SyncAnswerInterval))
        {
            return false;
        }

        _answeredAt = clock.Now;
        return true;
    }

    public void SyncSent() => _syncSentAt = clock.Now;
}
