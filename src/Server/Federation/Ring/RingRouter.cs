namespace Relay.Federation.Ring;

/// <summary>Sends clients to the servers that own what they ask for. Unchangeable; safe from any thread.</summary>
/// <param name="ring">This server is in it.</param>
/// <param name="replicationFactor">How many owners keep a point or token: Federation:ReplicationFactor.</param>
internal sealed class RingRouter(HashRing ring, string ownServerId, int replicationFactor)
{
    private static readonly IReadOnlyList<Redirect> None = [];

    /// <summary>True when there is nobody but this server: then nothing is ever sent elsewhere.</summary>
    public bool IsAlone => ring.Members.Count <= 1;

    /// <summary>redirects of the answer to a registration by code: the code's primary owner where that is another server, else nothing.</summary>
    public IReadOnlyList<Redirect> OfCode(string code) =>
        !IsAlone && ring.Primary(code) is { } owner && owner.ServerId != ownServerId ? [new Redirect(owner.ServerId, owner.Endpoint)] : None;

    /// <summary>Which points and tokens are kept here, and which the client is to bring to others. The order is kept.</summary>
    public RendezvousRoute Route(IReadOnlyList<string> points, IReadOnlyList<string> tokens)
    {
        if (IsAlone)
        {
            return new RendezvousRoute(points, tokens, []);
        }

        var elsewhere = new List<(RingMember Owner, List<string> Points, List<string> Tokens)>();
        var localPoints = points.Where(point => IsLocal(point, elsewhere, isToken: false)).ToList();
        var localTokens = tokens.Where(token => IsLocal(token, elsewhere, isToken: true)).ToList();
        return new RendezvousRoute(
            localPoints,
            localTokens,
            [.. elsewhere.Select(part => new RendezvousRedirect(part.Owner.ServerId, part.Owner.Endpoint, part.Points, part.Tokens))]);
    }

    private bool IsLocal(string text, List<(RingMember Owner, List<string> Points, List<string> Tokens)> elsewhere, bool isToken)
    {
        var owners = ring.Owners(text, replicationFactor);
        if (owners.Any(owner => owner.ServerId == ownServerId))
        {
            return true;
        }

        var index = elsewhere.FindIndex(part => part.Owner == owners[0]);
        if (index < 0)
        {
            index = elsewhere.Count;
            elsewhere.Add((owners[0], [], []));
        }

        (isToken ? elsewhere[index].Tokens : elsewhere[index].Points).Add(text);
        return false;
    }
}

/// <summary>A server that a client may register with instead.</summary>
internal sealed record Redirect(string ServerId, string Endpoint);

/// <summary>A server that keeps these points and tokens.</summary>
internal sealed record RendezvousRedirect(string ServerId, string Endpoint, IReadOnlyList<string> DailyPoints, IReadOnlyList<string> HourlyTokens);

/// <summary>What becomes of a rendezvous registration; without redirects everything is local, and the answer is the usual one.</summary>
internal sealed record RendezvousRoute(
    IReadOnlyList<string> Points, IReadOnlyList<string> Tokens, IReadOnlyList<RendezvousRedirect> Redirects);
