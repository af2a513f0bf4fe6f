using System.CommandLine;
using Relay.AdminApi;

namespace Relay.AdminCli.Commands;

/// <summary>The channels with an owner, subscribers or messages that wait.</summary>
internal static class ChannelsCommand
{
    private static readonly Dictionary<string, ListChannelsRequest.Types.Sort> Sorts = new()
    {
        ["subscribers"] = ListChannelsRequest.Types.Sort.Subscribers,
        ["waiting"] = ListChannelsRequest.Types.Sort.Waiting,
        ["dropped"] = ListChannelsRequest.Types.Sort.Dropped,
        ["recent"] = ListChannelsRequest.Types.Sort.Recent,
    };

    private static readonly Dictionary<string, Action<ListChannelsRequest>?> States = new()
    {
        ["live"] = static request => request.Live = true,
        ["owned"] = static request => request.Owned = true,
        ["ownerless"] = static request => request.Owned = false,
    };

    private static readonly Column[] Columns =
    [
        new("CHANNEL"), new("OWNER"), new("STREAM"), new("SUBSCRIBERS", ToTheRight: true), new("WAITING", ToTheRight: true),
        new("FRAMES", ToTheRight: true), new("DROPPED", ToTheRight: true), new("CREATED", ToTheRight: true), new("CREATED_AT", Wide: true),
    ];

    public static Command Create(GlobalOptions globals, CommandContext context)
    {
        var list = new PagedList<ListChannelsResponse, ListedChannel>(
            "channels", ListChannelsResponse.ChannelsFieldNumber, static response => (response.Channels, response.NextPageToken, response.TotalSize), Columns, Row);
        var sort = ArgumentParsers.Choice("--sort", Sorts);
        sort.Description = "subscribers: most first (the default); waiting: most messages waiting for an absent owner first; dropped: most dropped frames first; recent: newest first.";
        var state = ArgumentParsers.Choice("--state", States);
        state.Description = "Only channels with a live stream, only those with an owner, or only those without.";
        var prefix = new Option<string?>("--prefix") { Description = "Only channel ids with this prefix, case-sensitive.", HelpName = "text" };
        var command = new ExampleCommand(
            "channels",
            "Lists channels with their subscribers and streams.",
            "Channels with an owner, subscribers or messages waiting for an owner. Frames are counted once per subscriber since the channel was created, CREATED says how long ago; "
                + "frames are dropped for subscribers that read too slowly. Clients choose the ids: unprintable characters are not shown; -o json has them all. "
                + "With -o json: one object {\"channels\":[...],\"totalSize\":N}, N being the number of matches.",
            "relayctl channels                              # the 20 with most subscribers",
            "relayctl channels --state live --sort dropped  # whose streams lose frames",
            "relayctl channels --state ownerless --sort waiting --top 5",
            "relayctl channels --all -o json | jq -r '.channels[].channelId'")
        {
            list.Top,
            list.All,
            sort,
            state,
            prefix,
        };
        command.Validators.Add(list.Check);
        return command.WithWatch(globals, context, call =>
        {
            var request = new ListChannelsRequest { Sort = call.Options.GetValue(sort), Prefix = call.Options.GetValue(prefix) ?? "" };
            call.Options.GetValue(state)?.Invoke(request);
            var none = request.Prefix.Length == 0 && !request.HasOwned && !request.HasLive ? "No channels." : "No channel matches.";
            return list.ShowAsync(call, none, (size, token) =>
            {
                (request.PageSize, request.PageToken) = (size, token);
                return call.Connection.Admin.ListChannelsAsync(request, call.Unary);
            });
        });
    }

    internal static string[] Row(ListedChannel channel, DateTimeOffset now) =>
    [
        Printable.Word(channel.ChannelId),
        channel.Owned ? "yes" : "no",
        channel.Live ? "live" : Units.Unknown,
        Units.Plain(channel.Subscribers),
        Units.Plain(channel.Waiting),
        Units.Plain(channel.FramesSent),
        Units.Plain(channel.FramesDropped),
        Units.Since(channel.CreatedAt, now),
        Units.Time(channel.CreatedAt),
    ];
}
