namespace Relay.Federation.Gossip;

/// <summary>Times and bounds of the membership. The times are those of the network that servers of other makes belong to.</summary>
internal static class GossipLimits
{
    /// <summary>How often <see cref="Membership.Tick"/> is to be called.</summary>
    public static readonly TimeSpan TickInterval = TimeSpan.FromMilliseconds(250);

    /// <summary>Members of every state, this server not counted.</summary>
    public const int MaxMembers = 1000;

    /// <summary>Mentions beside a message.</summary>
    public const int MaxMentions = 5;

    /// <summary>Members that are asked to ping another, and that are told of a suspicion.</summary>
    public const int Fanout = 3;

    /// <summary>Bytes of members in one page of a state_sync, below the smallest frame limit in use (64 KiB).</summary>
    public const int PageBytes = 48 * 1024;

    /// <summary>Messages of one link in a minute, beyond which they are dropped.</summary>
    public const int MessagesPerMinute = 600;

    /// <summary>The same for join and state_sync. A server that answers each page of ours with one of its own stays below.</summary>
    public const int SyncsPerMinute = 60;

    /// <summary>The same for ping_req, suspect and confirm, which cost us messages to others.</summary>
    public const int AccusationsPerMinute = 120;

    /// <summary>One member is pinged this often.</summary>
    public static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(1);

    /// <summary>Time for the answer to a ping, then the same time again for the answer through others.</summary>
    public static readonly TimeSpan PingTimeout = TimeSpan.FromMilliseconds(500);

    /// <summary>Time from suspicion to failure.</summary>
    public static readonly TimeSpan SuspicionTimeout = TimeSpan.FromSeconds(2);

    /// <summary>How long a member may be without a link and alive by the word of others.</summary>
    public static readonly TimeSpan MaxWithoutLink = TimeSpan.FromSeconds(30);

    /// <summary>One member is sent our members this often.</summary>
    public static readonly TimeSpan SyncInterval = TimeSpan.FromSeconds(30);

    /// <summary>A state_sync is answered this often at most, on one link.</summary>
    public static readonly TimeSpan SyncAnswerInterval = TimeSpan.FromSeconds(10);

    /// <summary>A state_sync is not answered this soon after one was sent on the link.</summary>
    public static readonly TimeSpan SyncQuiet = TimeSpan.FromSeconds(5);

    /// <summary>Our incarnation is raised this often at most.</summary>
    public static readonly TimeSpan RefuteInterval = TimeSpan.FromSeconds(1);

    /// <summary>By how much others can raise our incarnation at a time: nobody can drive it beyond what a number holds.</summary>
    public const long MaxIncarnationStep = 1_000_000;

    /// <summary>Largest whole number that a double holds exactly.</summary>
    public const long MaxIncarnation = (1L << 53) - 1;

    /// <summary>Ticks this far apart: it was we who stood still, and nobody else is judged by it.</summary>
    public static readonly TimeSpan LateTick = TimeSpan.FromSeconds(2);

    /// <summary>A failed member, or one that left, is forgotten after this time.</summary>
    public static readonly TimeSpan FailedLifetime = TimeSpan.FromMinutes(30);

    /// <summary>A member that nobody mentions any more and that never had a link is forgotten after this time.</summary>
    public static readonly TimeSpan UnknownLifetime = TimeSpan.FromMinutes(10);

    /// <summary>The word of others, that a member which left is there, is heeded after this time: before it, it is old.</summary>
    public static readonly TimeSpan LeftQuiet = TimeSpan.FromMinutes(1);
}
