using Google.Protobuf.WellKnownTypes;
using Relay.AdminApi;
using Relay.Channels;

namespace Relay.Admin;

/// <summary>One page of the channels: filter, sort, page.</summary>
internal sealed class ChannelMapper(ChannelTable channels)
{
    public ListChannelsResponse Read(ListChannelsRequest request)
    {
        bool? owned = request.HasOwned ? request.Owned : null;
        bool? live = request.HasLive ? request.Live : null;
        var page = new Page(request.PageSize, request.PageToken, $"{request.Sort:D} {owned} {live} {request.Prefix}");
        page.CheckSort(request.Sort);
        page.ThrowIfWrong();

        var rows = channels.Snapshot()
            .Where(row => (owned ?? row.HasOwner) == row.HasOwner
                && (live ?? row.IsLive) == row.IsLive
                && row.ChannelId.StartsWith(request.Prefix, StringComparison.Ordinal))
            .ToArray();
        return new ListChannelsResponse
        {
            Channels = { page.Of(rows, Order(request.Sort)).Select(Entry) },
            NextPageToken = page.NextToken(rows.Length),
            TotalSize = rows.Length,
        };
    }

    private static Comparison<ChannelSnapshot> Order(ListChannelsRequest.Types.Sort sort)
    {
        Comparison<ChannelSnapshot> order = sort switch
        {
            ListChannelsRequest.Types.Sort.Waiting => (a, b) => b.Waiting.CompareTo(a.Waiting),
            ListChannelsRequest.Types.Sort.Dropped => (a, b) => b.FramesDropped.CompareTo(a.FramesDropped),
            ListChannelsRequest.Types.Sort.Recent => (a, b) => b.CreatedAt.CompareTo(a.CreatedAt),
            _ => (a, b) => b.Subscribers.CompareTo(a.Subscribers),
        };
        return (a, b) => order(a, b) is not 0 and var first ? first : string.CompareOrdinal(a.ChannelId, b.ChannelId);
    }

    private static ListedChannel Entry(ChannelSnapshot row) => new()
    {
        ChannelId = row.ChannelId,
        Owned = row.HasOwner,
        Live = row.IsLive,
        Subscribers = row.Subscribers,
        Waiting = row.Waiting,
        FramesSent = row.FramesSent,
        FramesDropped = row.FramesDropped,
        CreatedAt = Timestamp.FromDateTimeOffset(row.CreatedAt),
    };
}
