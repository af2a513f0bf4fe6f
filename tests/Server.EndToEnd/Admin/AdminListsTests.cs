using Google.Rpc;
using Grpc.Core;
using Relay.AdminApi;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Admin;

/// <summary>ListRelays and ListChannels; how a list is cut into pages is tested as a plain function.</summary>
public sealed class AdminListsTests
{
    private static CallOptions Call => new(deadline: DateTime.UtcNow.AddSeconds(20), cancellationToken: TestContext.Current.CancellationToken);

    [Fact]
    public async Task ListRelays_SeveralRelays_PagesSortsAndFilters()
    {
        await using var server = await RelayServer.StartAsync();
        await using var full = await RelayAsync(server, "full", 20, 19, "127.0.0.1");
        await using var large = await RelayAsync(server, "large", 1000, 100.5, "127.0.0.2");
        await using var free = await RelayAsync(server, "free", 20, 0, "127.0.1.3");
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");

        var first = await server.Admin.ListRelaysAsync(new ListRelaysRequest { PageSize = 2 }, Call);
        Assert.Equal((3, 2), (first.TotalSize, first.Relays.Count));
        Assert.Equal(["full", "large"], first.Relays.Select(row => row.PeerId));
        var second = await server.Admin.ListRelaysAsync(new ListRelaysRequest { PageSize = 2, PageToken = first.NextPageToken }, Call);
        Assert.Equal(("free", ""), (Assert.Single(second.Relays).PeerId, second.NextPageToken));
        var row = first.Relays[1];
        Assert.Equal(("127.0.0.2", 100.5, 1000, true), (row.Key, row.Connected, row.Capacity, row.Offered));
        Assert.False(first.Relays[0].Offered);
        Assert.True(row.RegisteredAt <= row.LastSeen);

        Assert.Equal(["large", "full", "free"], await ListAsync(new ListRelaysRequest { Sort = ListRelaysRequest.Types.Sort.Connected }));
        Assert.Equal("free", (await ListAsync(new ListRelaysRequest { Sort = ListRelaysRequest.Types.Sort.Recent }))[0]);
        Assert.Equal(["large", "free"], await ListAsync(new ListRelaysRequest { Offered = true }));
        Assert.Equal(["full"], await ListAsync(new ListRelaysRequest { Offered = false }));
        Assert.Equal(["full", "large"], await ListAsync(new ListRelaysRequest { Cidr = "127.0.0.0/24" }));
        Assert.Equal(["full", "free"], await ListAsync(new ListRelaysRequest { Prefix = "f" }));
        Assert.Empty(await ListAsync(new ListRelaysRequest { Prefix = "F" }));

        async Task<string[]> ListAsync(ListRelaysRequest request) =>
            [.. (await server.Admin.ListRelaysAsync(request, Call)).Relays.Select(relay => relay.PeerId)];
    }

    [Fact]
    public async Task ListChannels_SeveralChannels_PagesSortsAndFilters()
    {
        await using var server = await RelayServer.StartAsync();
        await using var owner = await TestClient.ConnectAsync(server);
        await owner.OwnAsync("live");
        await owner.SendAsync("""{"type":"channel-owner-register","channelId":"quiet\n\u001b[2J"}""");
        await owner.ExpectAsync("channel-owner-registered");
        await using var one = await TestClient.ConnectAsync(server);
        await one.JoinAsync("live");
        await using var two = await TestClient.ConnectAsync(server);
        await two.JoinAsync("live");
        await two.SubscribeAsync("orphan");
        await owner.StartAsync("live", 2);
        await owner.SendAsync(ChannelClient.Frame("live", "\"f\""));
        await two.ExpectAsync("stream-start");
        await two.ExpectAsync("stream-frame");
        await two.UpstreamAsync("orphan", "{\"id\":1}");

        var first = await server.Admin.ListChannelsAsync(new ListChannelsRequest { PageSize = 2 }, Call);
        Assert.Equal(["live", "orphan"], first.Channels.Select(row => row.ChannelId));
        Assert.Equal(3, first.TotalSize);
        Assert.Equal((true, true, 2, 0, 2, 0), Counts(first.Channels[0]));
        Assert.Equal((false, false, 1, 1, 0, 0), Counts(first.Channels[1]));
        Assert.True(first.Channels[0].CreatedAt <= first.Channels[1].CreatedAt);
        var second = await server.Admin.ListChannelsAsync(new ListChannelsRequest { PageSize = 2, PageToken = first.NextPageToken }, Call);
        Assert.Equal(("quiet\n\u001b[2J", ""), (Assert.Single(second.Channels).ChannelId, second.NextPageToken));

        Assert.Equal("orphan", (await ListAsync(new ListChannelsRequest { Sort = ListChannelsRequest.Types.Sort.Waiting }))[0]);
        Assert.Equal("orphan", (await ListAsync(new ListChannelsRequest { Sort = ListChannelsRequest.Types.Sort.Recent }))[0]);
        Assert.Equal("live", (await ListAsync(new ListChannelsRequest { Sort = ListChannelsRequest.Types.Sort.Dropped }))[0]);
        Assert.Equal(["live"], await ListAsync(new ListChannelsRequest { Live = true }));
        Assert.Equal(["quiet\n\u001b[2J"], await ListAsync(new ListChannelsRequest { Live = false, Owned = true }));
        Assert.Equal(["orphan"], await ListAsync(new ListChannelsRequest { Owned = false }));
        Assert.Equal(["live"], await ListAsync(new ListChannelsRequest { Prefix = "li" }));

        async Task<string[]> ListAsync(ListChannelsRequest request) =>
            [.. (await server.Admin.ListChannelsAsync(request, Call)).Channels.Select(channel => channel.ChannelId)];
    }

    [Fact]
    public async Task Lists_BadFields_AreAllNamed()
    {
        await using var server = await RelayServer.StartAsync();
        var relays = new ListRelaysRequest { PageSize = 1001, PageToken = "what", Sort = (ListRelaysRequest.Types.Sort)9, Cidr = "10.0.0.0/33" };
        var channels = new ListChannelsRequest { PageSize = -1, PageToken = "100:0", Sort = (ListChannelsRequest.Types.Sort)(-1) };

        await InvalidAsync(() => server.Admin.ListRelaysAsync(relays, Call).ResponseAsync, "page_size", "page_token", "sort", "cidr");
        await InvalidAsync(() => server.Admin.ListChannelsAsync(channels, Call).ResponseAsync, "page_size", "page_token", "sort");
    }

    // What differs in one filter only is another list.
    [Fact]
    public async Task Lists_TokenOfAnotherFilter_IsRefused()
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await RelayAsync(server, "a", 20, 0, "127.0.0.1");
        await using var b = await RelayAsync(server, "b", 20, 0, "127.0.0.1");
        var token = (await server.Admin.ListRelaysAsync(new ListRelaysRequest { PageSize = 1 }, Call)).NextPageToken;

        ListRelaysRequest[] others = [new() { Prefix = "a" }, new() { Offered = true }, new() { Cidr = "::/0" }, new() { Sort = ListRelaysRequest.Types.Sort.Recent }];
        foreach (var other in others)
        {
            other.PageToken = token;
            await InvalidAsync(() => server.Admin.ListRelaysAsync(other, Call).ResponseAsync, "page_token");
        }
    }

    private static (bool Owned, bool Live, long Subscribers, long Waiting, long Sent, long Dropped) Counts(ListedChannel row) =>
        (row.Owned, row.Live, row.Subscribers, row.Waiting, row.FramesSent, row.FramesDropped);

    private static async Task<TestClient> RelayAsync(RelayServer server, string peerId, int capacity, double connected, string from)
    {
        var client = await TestClient.ConnectAsync(server, from: from);
        await client.SendAsync($$"""{"type":"register","peerId":"{{peerId}}","maxConnections":{{capacity}}}""");
        await client.ExpectAsync("registered");
        await client.SendAsync(FormattableString.Invariant($$"""{"type":"update_load","peerId":"{{peerId}}","connectedCount":{{connected}}}"""));
        await client.ExpectAsync("load_updated");
        return client;
    }

    private static async Task InvalidAsync(Func<Task> call, params string[] fields)
    {
        var error = await Assert.ThrowsAsync<RpcException>(call);
        Assert.Equal(StatusCode.InvalidArgument, error.StatusCode);
        Assert.Equal(fields, error.GetRpcStatus()!.GetDetail<BadRequest>()!.FieldViolations.Select(violation => violation.Field));
    }
}
