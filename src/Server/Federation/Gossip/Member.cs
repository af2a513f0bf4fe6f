namespace Relay.Federation.Gossip;

/// <summary>Another server, as the membership sees it. Guarded by whoever guards the <see cref="Membership"/>.</summary>
internal sealed class Member(string serverId, byte[] publicKey, string informant)
{
    private const int MaxClaims = 3;

    private List<(string Informant, string Endpoint)>? _claims;

    public string ServerId => serverId;

    public string NodeId { get; } = Relay.Identity.ServerId.NodeId(publicKey);

    public string PublicKey { get; } = Convert.ToBase64String(publicKey);

    /// <summary>Id of the server that mentioned it first; empty when it came by itself or an operator named it.</summary>
    public string Informant => informant;

    /// <summary>What it says itself; empty before it said anything that is allowed.</summary>
    public string Endpoint { get; set; } = "";

    /// <summary>Why the endpoint that it names itself is not used; null: it is used.</summary>
    public string? Denial { get; set; }

    public string Region { get; set; } = "";

    public MemberState State { get; set; }

    /// <summary>When the state began.</summary>
    public TimeSpan Since { get; set; }

    public long Incarnation { get; set; }

    public GossipLink? Link { get; set; }

    /// <summary>When it lost its link, while it has none.</summary>
    public TimeSpan LinkLostAt { get; set; }

    /// <summary>When it spoke to us last; null: never.</summary>
    public TimeSpan? LastHeard { get; set; }

    /// <summary>When anybody spoke of it last.</summary>
    public TimeSpan Mentioned { get; set; }

    /// <summary>When it was last pinged, by us or through others.</summary>
    public TimeSpan? AskedAt { get; set; }

    /// <summary>When a ping was sent that is not answered yet.</summary>
    public TimeSpan? PingSentAt { get; set; }

    public TimeSpan? RoundTrip { get; set; }

    public bool IsLinkedAndAlive => State == MemberState.Alive && Link is not null;

    /// <summary>Where it may be: its own word first, then the word of others.</summary>
    public IEnumerable<string> Endpoints =>
        (Endpoint.Length > 0 ? new[] { Endpoint } : []).Concat((_claims ?? []).Select(claim => claim.Endpoint)).Distinct(StringComparer.Ordinal);

    /// <summary>
    /// Somebody says that it is at this endpoint. Each says one; of many the last three count, so that a wrong one displaces a right one only
    /// until that is said again. True when it is a new one.
    /// </summary>
    public bool Claim(string by, string endpoint)
    {
        if (endpoint == Endpoint)
        {
            return false;
        }

        _claims ??= [];
        var isNew = !_claims.Exists(claim => claim.Endpoint == endpoint);
        _claims.RemoveAll(claim => claim.Informant == by);
        if (_claims.Count == MaxClaims)
        {
            _claims.RemoveAt(0);
        }

        _claims.Add((by, endpoint));
        return isNew;
    }
}
