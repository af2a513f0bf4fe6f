using Google.Protobuf.WellKnownTypes;
using Relay.Addresses;
using Relay.AdminApi;
using Relay.Admission;
using Relay.Policy;

namespace Relay.Admin;

/// <summary>One page of the addresses: filter, sort, page.</summary>
internal sealed class IpMapper(ConnectionLedger ledger, LimitPolicyStore policies, TimeProvider time)
{
    public ListIpsResponse Read(ListIpsRequest request)
    {
        var page = new Page(request.PageSize, request.PageToken, $"{request.Sort:D} {request.Networks} {request.Cidr}");
        page.CheckSort(request.Sort);
        var network = page.ReadNetwork(request.Cidr);
        page.ThrowIfWrong();

        var rows = ledger.Snapshot().Keys(request.Networks).Where(row => Page.IsInside(row.Key, network)).ToArray();
        var policy = policies.Current;
        return new ListIpsResponse
        {
            Ips = { page.Of(rows, Order(request.Sort)).Select(row => Entry(row, KeyLimits.MaxOf(policy, row.Key, row.IsNetwork))) },
            NextPageToken = page.NextToken(rows.Length),
            TotalSize = rows.Length,
        };
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
        Key = row.Key.ToString(),
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
