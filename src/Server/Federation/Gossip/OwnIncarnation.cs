namespace Relay.Federation.Gossip;

/// <summary>The number by which this server's own word is newer than what is said of it. Guarded like <see cref="Member"/>.</summary>
internal sealed class OwnIncarnation(MembershipClock clock)
{
    private TimeSpan? _raisedAt;

    public long Value { get; private set; }

    /// <summary>It is said that we do not answer. True when the number was raised, and the others are to be told.</summary>
    public bool TryRefute(long claimed) => claimed >= Value && TryRaise(claimed + 1);

    /// <summary>A newer number of ours is known from before a restart.</summary>
    public void CatchUp(long claimed)
    {
        if (claimed > Value)
        {
            TryRaise(claimed);
        }
    }

    private bool TryRaise(long value)
    {
        var now = clock.Now;
        var raised = Math.Min(Math.Min(value, Value + GossipLimits.MaxIncarnationStep), GossipLimits.MaxIncarnation);
        if (raised <= Value || (_raisedAt is { } last && now - last < GossipLimits.RefuteInterval))
        {
            return false;
        }

        (Value, _raisedAt) = (raised, now);
        return true;
    }
}
