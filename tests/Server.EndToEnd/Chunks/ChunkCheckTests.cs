using System.Globalization;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Chunks;

/// <summary>What chunk_announce, chunk_request and chunk_push refuse, in which order and words (docs/protocol.md, Chunks).</summary>
[Trait("Clients", "Spread")]
public sealed class ChunkCheckTests
{
    private const string NotRegistered = "Not registered. Send register message first.";
    private const string BadChunkId = "Invalid chunk entry: chunkId must be a string up to 256 chars";
    private const string BadHash = "Invalid chunk entry: routingHash must be a string up to 256 chars";

    private static readonly string LongId = new('x', 257);

    /// <summary>Fields of a chunk_announce and the error; each row has, from left to right, one error less.</summary>
    public static TheoryData<string, string> Announcements => new()
    {
        { """ "channelId":7,"chunks":[] """, "Missing or empty chunks array" },
        { $""" "channelId":7,"chunks":[{Entries(101)}] """, "Too many chunks per announce (max 100)" },
        { """ "channelId":7,"chunks":[7] """, BadChunkId },
        { """ "channelId":7,"chunks":[null] """, BadChunkId },
        { """ "channelId":7,"chunks":[[]] """, BadChunkId },
        { """ "channelId":7,"chunks":["a"] """, BadChunkId },
        { """ "channelId":7,"chunks":[{}] """, BadChunkId },
        { """ "channelId":7,"chunks":[{"chunkId":""}] """, BadChunkId },
        { """ "channelId":7,"chunks":[{"chunkId":null}] """, BadChunkId },
        { """ "channelId":7,"chunks":[{"chunkId":5,"routingHash":5}] """, BadChunkId },
        { $$""" "channelId":7,"chunks":[{"chunkId":"a"},{"chunkId":"{{LongId}}"}] """, BadChunkId },
        { """ "channelId":7,"chunks":[{"chunkId":"a","routingHash":5},{"chunkId":5}] """, BadHash },
        { $$""" "channelId":7,"chunks":[{"chunkId":"a","routingHash":"{{LongId}}"}] """, BadHash },
        { """ "channelId":7,"chunks":[{"chunkId":"a"}] """, "Invalid channel ID" },
        { """ "channelId":{},"chunks":[{"chunkId":"a"}] """, "Invalid channel ID" },
        { $$""" "channelId":"{{LongId}}","chunks":[{"chunkId":"a"}] """, "Invalid channel ID" },
    };

    /// <summary>Fields that a request and a push share.</summary>
    public static TheoryData<string, string> Requests => new()
    {
        { """ "chunkId":"","channelId":"" """, "Missing required field: chunkId" },
        { """ "chunkId":"a","channelId":"" """, "Missing required field: channelId" },
        { $""" "chunkId":"{LongId}","channelId":"{LongId}" """, "Invalid chunk ID" },
        { $""" "chunkId":"a","channelId":"{LongId}" """, "Invalid channel ID" },
    };

    /// <summary>Data of a push by nobody who may push.</summary>
    public static TheoryData<string, string> Contents => new()
    {
        { "", "Missing required field: data" },
        { """ ,"data":null """, "Missing required field: data" },
        { """ ,"data":"" """, "Missing required field: data" },
        { $""" ,"data":"{new string('x', 65_537)}" """, TooLarge(65_537) },
        { $$""" ,"data":{"a":"{{new string('x', 65_529)}}"} """, TooLarge(65_537) },
        { $""" ,"data":"{new string('x', 65_536)}" """, "Not a source of this chunk" },
        { $$""" ,"data":{"a":"{{new string('x', 65_528)}}"} """, "Not a source of this chunk" },
        { $$""" ,"data": { "a" : "{{new string('é', 65_527)}}\u0041" } """, "Not a source of this chunk" },
    };

    [Fact]
    public async Task Chunks_NotRegistered_IsTheFirstError()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var message in (string[])[
            """{"type":"chunk_announce","chunks":[]}""",
            """{"type":"chunk_announce","peerId":"somebody","chunks":[]}""",
            """{"type":"chunk_request","chunkId":"","channelId":""}""",
            """{"type":"chunk_push","chunkId":"","channelId":""}"""])
        {
            await client.SendAsync(message);
            await client.ExpectErrorAsync(NotRegistered);
        }
    }

    [Theory]
    [MemberData(nameof(Announcements))]
    public async Task Announce_Mistake_IsNamedAndNothingIsKnown(string fields, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.SendAsync($$"""{"type":"chunk_announce",{{fields}}}""");
        await client.ExpectErrorAsync(error);
        Assert.Equal(default, server.Chunks());
    }

    [Theory]
    [InlineData("")]
    [InlineData(""" "channelId":null, """)]
    [InlineData(""" "channelId":"", """)]
    [InlineData(""" "peerId":"", """)]
    [InlineData(""" "peerId":"AAAAAA", """)]
    public async Task Announce_WithoutAChannel_IsAccepted(string fields)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.SendAsync($$"""{"type":"chunk_announce",{{fields}}"chunks":[{{Entries(99)}},{"chunkId":"{{LongId[1..]}}","routingHash":null}]}""");
        Assert.Equal("""{"type":"chunk_announce_ack","registered":100}""", await client.ReceiveTextAsync());
        Assert.Equal(100, server.Chunks().Sources);
    }

    [Theory]
    [MemberData(nameof(Requests))]
    public async Task RequestOrPush_Mistake_IsNamed(string fields, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.SendAsync($$"""{"type":"chunk_request",{{fields}}}""");
        await client.ExpectErrorAsync(error);
        await client.SendAsync($$"""{"type":"chunk_push",{{fields}}}""");
        await client.ExpectErrorAsync(error);
    }

    [Theory]
    [MemberData(nameof(Contents))]
    public async Task Push_Data_IsCheckedBeforeThePusher(string data, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.SendAsync($$"""{"type":"chunk_push","chunkId":"a","channelId":"news"{{data}}}""");
        await client.ExpectErrorAsync(error);
        Assert.Equal(default, server.Chunks());
    }

    /// <summary>What is pushed comes back as it was, from the source and from the cache; every check is against these bytes.</summary>
    [Theory]
    [InlineData("\"aGVsbG8=\"")]
    [InlineData("\"\\u00e4 \\/ + < > & ' \\ud83d\\ude00 \\ud83d ü 😀 \\u0000\"")]
    [InlineData("""{ "b" : 1.50, "a": [ 1e400 , -0 ], "a": null }""")]
    [InlineData("{}")]
    [InlineData("[1, 2]")]
    [InlineData("0")]
    [InlineData("false")]
    public async Task Push_AnyValue_ComesBackByteForByte(string data)
    {
        await using var server = await RelayServer.StartAsync();
        await using var source = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var reader = await TestClient.RegisterAsync(server, "BBBBBB");
        await source.AnnounceAsync(null, "a");
        await reader.WaitForChunkAsync("a");
        await source.ExpectPullAsync("a");
        await source.PushedAsync("a", data, served: 1);
        await reader.ExpectChunkAsync("a", data, "relay");
        await reader.ExpectCachedAsync("a", data);
        if (TestCluster.IsOn)
        {
            // One relay more counts what it has brought to another.
            return;
        }

        Assert.Equal((1, System.Text.Encoding.UTF8.GetByteCount(data), 1, 1), (
            server.Chunks().Cached, server.Chunks().CachedBytes, server.Chunks().ServedFromCache, server.Chunks().ServedBySource));
    }

    private static string Entries(int count) => string.Join(',', Enumerable.Range(0, count).Select(i => $$"""{"chunkId":"chunk{{i}}"}"""));

    private static string TooLarge(int length) =>
        string.Create(CultureInfo.InvariantCulture, $"Chunk payload too large: {length} bytes exceeds 65536 byte limit");
}
