using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Relays;

namespace Relay.Admin;

/// <summary>One page of the relays: filter, sort, page.</summary>
internal sealed class RelayMapper(RelayRegistry relays)
{
    public ListRelaysResponse Read(ListRelaysRequest request)
    {
        bool? offered = request.HasOffered ? request.Offered : null;
        var page = new Page(request.PageSize, request.PageToken, $"{request.Sort:D} {offered} {request.Cidr} {request.Prefix}");
        page.CheckSort(request.Sort);
        var network = page.ReadNetwork(request.Cidr);
        page.ThrowIfWrong();

        var rows = relays.Snapshot()
            .Where(row => (offered ?? row.Offered) == row.Offered
                && Page.IsInside(row.Key, network)
                && row.PeerId.StartsWith(request.Prefix, StringComparison.Ordinal))
            .ToArray();
        return new ListRelaysResponse
        {
            Relays = { page.Of(rows, Order(request.Sort)).Select(Entry) },
            NextPageToken = page.NextToken(rows.Length),
            TotalSize = rows.Length,
        };
    }

    private static Comparison<RelaySnapshot> Order(ListRelaysRequest.Types.Sort sort)
    {
        Comparison<RelaySnapshot> order = sort switch
        {
            ListRelaysRequest.Types.Sort.Connected => (a, b) => b.ConnectedCount.CompareTo(a.ConnectedCount),
            ListRelaysRequest.Types.Sort.Recent => (a, b) => b.LastSeen.CompareTo(a.LastSeen),
            _ => (a, b) => Load(b).CompareTo(Load(a)),
        };
        return (a, b) => order(a, b) is not 0 and var first ? first : string.CompareOrdinal(a.PeerId, b.PeerId);
    }

    private static double Load(RelaySnapshot row) => row.ConnectedCount / row.MaxConnections;

    private static ListedRelay Entry(RelaySnapshot row) => new()
    {
        PeerId = row.PeerId,
        Key = row.Key.ToString(),
        Connected = row.ConnectedCount,
        Capacity = row.MaxConnections,
        Offered = row.Offered,
        RegisteredAt = Timestamp.FromDateTimeOffset(row.RegisteredAt),
        LastSeen = Timestamp.FromDateTimeOffset(row.LastSeen),
    };
}
