using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>One page of the addresses: filter, sort, page.</summary>
internal sealed class IpMapper(ConnectionLedger ledger, LimitPolicyStore policies, RemoteCounts remote, ClusterQuestions questions, TimeProvider time)
{
    public ListIpsResponse Read(ListIpsRequest request)
    {
        var page = new Page(request.PageSize, request.PageToken, $"{request.Sort:D} {request.Networks} {request.Cluster} {request.Subjects} {request.Cidr}");
        page.CheckSort(request.Sort);
        var network = page.ReadNetwork(request.Cidr);
        if (request.Subjects && (request.Networks || network is not null))
        {
            page.Refuse("subjects", "a subject lies in no network; give neither networks nor cidr with it");
        }

        page.ThrowIfWrong();
        if (request.Cluster)
        {
            questions.RequireCluster();
        }

        var keys = request.Subjects ? ledger.Snapshot().Subjects() : ledger.Snapshot().Keys(request.Networks);
        var rows = (request.Cluster ? WithOtherNodes(keys, request) : keys).Where(row => Page.IsInside(row.Key, network)).ToArray();
        var policy = policies.Current;
        return new ListIpsResponse
        {
            Ips = { page.Of(rows, Order(request.Sort)).Select(row => Entry(row, row.Key.IsSubject ? row.SubjectLimit : KeyLimits.MaxOf(policy, row.Key, row.IsNetwork))) },
            NextPageToken = page.NextToken(rows.Length),
            TotalSize = rows.Length,
            Missing = { request.Cluster ? questions.Lost() : [] },
        };
    }

    private IEnumerable<KeyTotals> WithOtherNodes(KeyTotals[] keys, ListIpsRequest request)
    {
        var elsewhere = remote.All(key => key.IsSubject == request.Subjects && (request.Subjects || ledger.IsAddress(key) != request.Networks));
        foreach (var row in keys)
        {
            yield return elsewhere.Remove(row.Key, out var connections) ? row with { Live = row.Live + connections } : row;
        }

        foreach (var (key, connections) in elsewhere)
        {
            yield return new KeyTotals(key, connections) { IsNetwork = request.Networks };
        }
    }

    private static Comparison<KeyTotals> Order(ListIpsRequest.Types.Sort sort)
    {
        Comparison<KeyTotals> order = sort switch
        {
            ListIpsRequest.Types.Sort.Refused => (a, b) => b.Refused.CompareTo(a.Refused),
            ListIpsRequest.Types.Sort.Recent => (a, b) => b.LastSeen.CompareTo(a.LastSeen),
            _ => (a, b) => (b.Live + b.Uncounted).CompareTo(a.Live + a.Uncounted),
        };
        return (a, b) => order(a, b) is not 0 and var first ? first : new IpPrefix(a.Key).CompareTo(new IpPrefix(b.Key));
    }

    private IpEntry Entry(KeyTotals row, int limit) => new()
    {
        Key = row.Name ?? row.Key.ToString(),
        Connections = row.Live,
        Peak = row.Peak,
        Admitted = row.Admitted,
        Refused = row.Refused,
        FirstSeen = Moment(row.FirstSeen),
        LastSeen = Moment(row.LastSeen),
        Limit = limit == int.MaxValue ? 0 : limit,
        ShadowRefused = row.ShadowRefused,
        Uncounted = row.Uncounted,
        RefusedByNetwork = row.RefusedByNetwork,
    };

    private Timestamp? Moment(long timestamp) => timestamp == 0 ? null
        : Timestamp.FromDateTimeOffset(time.GetUtcNow() - time.GetElapsedTime(timestamp));
}
