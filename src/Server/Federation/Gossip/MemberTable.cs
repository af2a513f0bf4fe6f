using System.Diagnostics.CodeAnalysis;

namespace Relay.Federation.Gossip;

/// <summary>
/// The members by id, at most <see cref="GossipLimits.MaxMembers"/>. When it is full, one gives way of which there is only hearsay, and of
/// those one of whoever spread most of it. Guarded like <see cref="Member"/>.
/// </summary>
internal sealed class MemberTable(MembershipClock clock, Queue<MembershipAction> actions)
{
    private readonly Dictionary<string, Member> _members = new(StringComparer.Ordinal);

    public int Count => _members.Count;

    public IReadOnlyCollection<Member> All => _members.Values;

    /// <summary>True when who owns the ring, or what is said of members, may have changed. Whoever looks resets it.</summary>
    public bool HasChanged { get; set; }

    public void Raise(MembershipAction action) => actions.Enqueue(action);

    public Member? Find(string serverId) => _members.GetValueOrDefault(serverId);

    /// <summary>False when there is no capacity for it.</summary>
    public bool TryAdd(Member member)
    {
        if (_members.Count >= GossipLimits.MaxMembers)
        {
            if (!TryFindDisplaceable(member, out var displaced))
            {
                return false;
            }

            Remove(displaced);
        }

        member.Since = member.Mentioned = clock.Now;
        _members.Add(member.ServerId, member);
        return true;
    }

    public void Remove(Member member)
    {
        _members.Remove(member.ServerId);
        HasChanged = true;
    }

    public void Change(Member member, MemberState state, string why)
    {
        if (member.State == state)
        {
            return;
        }

        actions.Enqueue(new MemberChanged(member.ServerId, member.State, state, why));
        (member.State, member.Since) = (state, clock.Now);
        HasChanged = true;
    }

    /// <summary>Forgets who has been gone, or was not mentioned, for long.</summary>
    public void Prune()
    {
        var now = clock.Now;
        foreach (var member in _members.Values.Where(member => member.Link is null).ToArray())
        {
            if (member.State switch
            {
                MemberState.Unknown => now - member.Mentioned > GossipLimits.UnknownLifetime,
                MemberState.Failed or MemberState.Left => now - member.Since > GossipLimits.FailedLifetime,
                _ => false,
            })
            {
                Remove(member);
            }
        }
    }

    private bool TryFindDisplaceable(Member arrival, [NotNullWhen(true)] out Member? displaced)
    {
        var largest = _members.Values.Where(IsDisplaceable).GroupBy(SourceOf, StringComparer.Ordinal).MaxBy(group => group.Count());
        displaced = largest?.MinBy(member => member.Mentioned);
        return displaced is not null && (arrival.Link is not null || SourceOf(arrival) != largest!.Key);
    }

    private static bool IsDisplaceable(Member member) => member is { Link: null, State: MemberState.Unknown or MemberState.Failed or MemberState.Left };

    // Who was there once is nobody's hearsay.
    private static string SourceOf(Member member) => member.LastHeard is null ? member.Informant : "";
}
