namespace Relay.Channels;

/// <summary>The owner of a channel at another relay, and what it has live. It never changes.</summary>
/// <param name="Epoch">Of its relay.</param>
/// <param name="Revision">Of what that relay said last: it counts up.</param>
/// <param name="Stream">Null: nothing is live.</param>
internal sealed record RemoteOwner(ulong Epoch, ulong Revision, LiveStream? Stream);

/// <summary>What another relay has told the owner's: how many subscribe there, the revision of that, and which upstream message it sent last.</summary>
internal readonly record struct RemoteMembers(int Subscribers, ulong Revision, long LastUpstream);

/// <summary>
/// What is known of a channel at other relays of the cluster; nothing without one. Guarded by the directory's lock but for <see cref="HasSubscribers"/>,
/// which is read anywhere.
/// </summary>
internal sealed class ChannelElsewhere
{
    private Dictionary<ulong, RemoteMembers>? _members;
    private volatile bool _hasSubscribers;

    /// <summary>The owner at another relay; null: none is known, or it is here.</summary>
    public RemoteOwner? Owner { get; set; }

    /// <summary>Of the last change by an owner here.</summary>
    public ulong Revision { get; set; }

    /// <summary>True while one thread tells the subscribers here what an owner elsewhere sends: two would mix up the order.</summary>
    public bool IsTelling { get; set; }

    /// <summary>Hears what others say to the channel; null: nobody here needs it.</summary>
    public ChannelInterest? Interest { get; set; }

    /// <summary>Other relays are to be asked, or told, of the channel at some time.</summary>
    public bool IsScheduled { get; set; }

    /// <summary>An upstream message that another relay has not answered: it may have arrived, so that it is asked again first.</summary>
    public WaitingMessage? Unanswered { get; set; }

    /// <summary>Whether the owner here has subscribers elsewhere.</summary>
    public bool HasSubscribers => _hasSubscribers;

    /// <summary>Subscribers of the owner here at other relays.</summary>
    public int Subscribers { get; private set; }

    public RemoteMembers MembersOf(ulong epoch) => _members?.GetValueOrDefault(epoch) ?? default;

    /// <summary>False: too many relays have told something.</summary>
    public bool TrySetMembers(ulong epoch, RemoteMembers members, int max)
    {
        _members ??= [];
        if (_members.Count >= max && !_members.ContainsKey(epoch))
        {
            foreach (var (left, _) in _members.Where(pair => pair.Value.Subscribers == 0))
            {
                _members.Remove(left);
            }

            if (_members.Count >= max)
            {
                return false;
            }
        }

        Subscribers += members.Subscribers - MembersOf(epoch).Subscribers;
        _members[epoch] = members;
        _hasSubscribers = Subscribers > 0;
        return true;
    }

    /// <summary>The relay of this epoch is gone. If it is heard again, its last message must not be taken twice.</summary>
    public void ForgetSubscribers(ulong epoch)
    {
        if (MembersOf(epoch) is { Subscribers: > 0 and var left } members)
        {
            Subscribers -= left;
            _members![epoch] = members with { Subscribers = 0 };
            _hasSubscribers = Subscribers > 0;
        }
    }

    /// <summary>The owner here has left.</summary>
    public void ForgetAllMembers()
    {
        _members = null;
        Subscribers = 0;
        _hasSubscribers = false;
    }
}
