using System.Globalization;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.Chunks;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>chunk_available: the first at once, later ones together, and never more than subscribers can bear.</summary>
public sealed class ChunkNoticeTests
{
    private readonly FakeTimeProvider _time = new(DateTimeOffset.UtcNow);

    [Fact]
    public async Task Announce_ManyWithinASecond_FirstAtOnceTheRestTogether()
    {
        await using var server = await RelayServer.StartAsync(time: _time);
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var member = await TestClient.RegisterAsync(server, "BBBBBB");
        await using var subscriber = await TestClient.RegisterAsync(server, "CCCCCC");
        await owner.OwnAsync("news");
        await member.JoinAsync("news");
        await subscriber.JoinAsync("news");

        await owner.AnnounceAsync("news", "a", "b");
        await subscriber.ExpectAvailableAsync("news", "a", "b");
        await member.ExpectAvailableAsync("news", "a", "b");
        await owner.AnnounceAsync("news", "c", "c");
        await member.AnnounceAsync("news", "d", "c");
        await owner.AnnounceAsync("news", "e");
        Pass(TimeSpan.FromMilliseconds(900));
        await subscriber.ExpectNothingAsync();

        Pass(TimeSpan.FromMilliseconds(200));
        await subscriber.ExpectAvailableAsync("news", "c", "d", "e");

        // It is not told of its own.
        await member.ExpectAvailableAsync("news", "c", "e");
        await owner.ExpectNothingAsync();

        // After a quiet second the next is told at once again, in every channel by itself.
        Pass(TimeSpan.FromMilliseconds(1100));
        await owner.AnnounceAsync("news", "f");
        await subscriber.ExpectAvailableAsync("news", "f");
        await member.ExpectAvailableAsync("news", "f");
        await owner.OwnAsync("more");
        await subscriber.JoinAsync("more");
        await owner.AnnounceAsync("more", "g");
        await subscriber.ExpectAvailableAsync("more", "g");
        Pass(TimeSpan.FromSeconds(3));
        await subscriber.ExpectNothingAsync();
        Assert.Equal(0, server.Get<ChunkNotices>().Waiting);
    }

    /// <summary>In 0.1.0 each of these took six bytes for one.</summary>
    [Fact]
    public async Task Announce_IdsThatJsonDoesNotEscape_ComeAsTheyAre()
    {
        await using var server = await RelayServer.StartAsync(time: _time);
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var subscriber = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await subscriber.JoinAsync("news");
        await owner.AnnounceAsync("news", new string('\u007f', 250));
        await subscriber.ExpectAvailableAsync("news", new string('\u007f', 250));
    }

    [Fact]
    public async Task Announce_MoreThanAMessageHolds_ComesSecondBySecond()
    {
        await using var server = await RelayServer.StartAsync(time: _time);
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var subscriber = await TestClient.RegisterAsync(server, "BBBBBB");
        await owner.OwnAsync("news");
        await subscriber.JoinAsync("news");
        var ids = Enumerable.Range(0, 100).Select(i => i.ToString("d3", CultureInfo.InvariantCulture) + new string('€', 253)).ToArray();
        await owner.AnnounceAsync("news", ids);

        var heard = new List<string>();
        while (heard.Count < ids.Length)
        {
            var text = await subscriber.ReceiveTextAsync();
            Assert.InRange(Encoding.UTF8.GetByteCount(text), 1, 66_000);
            heard.AddRange(System.Text.Json.JsonDocument.Parse(text).RootElement.GetProperty("chunkIds").EnumerateArray().Select(id => id.GetString()!));
            Pass(TimeSpan.FromMilliseconds(1100));
        }

        Assert.Equal(ids, heard);
    }

    /// <summary>A hostile subscriber fills what may wait for the channel: what others have announced is told all the same.</summary>
    [Fact]
    public async Task Announce_OneAddressFillsAChannel_OthersChunksAreTold()
    {
        await using var server = await RelayServer.StartAsync(
            settings =>
            {
                settings.Sessions.MessagesPerMinute = 1000;
                settings.Chunks.NoticeBytesPerChannel = 100_000;
            },
            _time);
        await using var owner = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var hostile = await TestClient.RegisterAsync(server, "BBBBBB", "127.0.0.2");
        await using var subscriber = await TestClient.RegisterAsync(server, "CCCCCC");
        await owner.OwnAsync("news");
        await hostile.JoinAsync("news");
        await subscriber.JoinAsync("news");
        await owner.AnnounceAsync("news", "first");
        for (var i = 0; i < 10; i++)
        {
            await hostile.SendAsync($$"""{"type":"chunk_announce","channelId":"news","chunks":[{{string.Join(',', Enumerable.Range(0, 100).Select(n => $$"""{"chunkId":"{{i}} {{n}}"}"""))}}]}""");
        }

        await owner.AnnounceAsync("news", "honest");
        for (var i = 0; i < 10; i++)
        {
            await hostile.SendAsync($$"""{"type":"chunk_announce","channelId":"news","chunks":[{{string.Join(',', Enumerable.Range(0, 100).Select(n => $$"""{"chunkId":"{{i + 10}} {{n}}"}"""))}}]}""");
        }

        await Eventually.TrueAsync(() => server.Get<ChunkNotices>().Dropped >= 1500, "the queue has overflowed");
        Assert.InRange(server.Get<ChunkNotices>().Waiting, 1, 100_000);
        await subscriber.ExpectAvailableAsync("news", "first");
        Pass(TimeSpan.FromMilliseconds(1100));
        Assert.Contains("\"honest\"", await subscriber.ReceiveTextAsync(), StringComparison.Ordinal);
        Assert.InRange((await server.Admin.GetStatsAsync(new AdminApi.GetStatsRequest(), cancellationToken: TestContext.Current.CancellationToken)).Chunks.NoticesDroppedTotal, 1500, 2000);
    }

    private void Pass(TimeSpan span)
    {
        for (var passed = TimeSpan.Zero; passed < span; passed += ChunkNotices.Interval)
        {
            _time.Advance(ChunkNotices.Interval);
        }
    }
}
