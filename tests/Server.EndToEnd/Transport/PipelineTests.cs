using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using Relay.EndToEnd.Support;

namespace Relay.EndToEnd.Transport;

/// <summary>The checks that all messages share: docs/protocol.md, "Every message".</summary>
public sealed class PipelineTests
{
    private const string ParseError = "Invalid message format: JSON parse error";
    private const string NoObject = "Invalid message: Message must be a JSON object";
    private const string Mismatch = "peerId mismatch with registered identity";
    private const string NoType = "Invalid message: Missing or invalid \"type\" field";

    /// <summary>Type, other fields of the message, required fields in their order. "?" in front: may be missing or null.</summary>
    public static TheoryData<string, string, string[]> Shapes => new()
    {
        { "register", "\"pairingCode\":null,", ["pairingCode", "publicKey"] },
        { "register", "", ["peerId"] },
        { "pair_request", "", ["targetCode"] },
        { "pair_response", "", ["targetCode", "accepted:a boolean"] },
        { "offer", "", ["target"] },
        { "answer", "", ["target"] },
        { "ice_candidate", "", ["target"] },
        { "call_offer", "", ["target"] },
        { "call_answer", "", ["target"] },
        { "call_reject", "", ["target"] },
        { "call_hangup", "", ["target"] },
        { "call_ice", "", ["target"] },
        { "link_request", "", ["linkCode", "publicKey"] },
        { "link_response", "", ["linkCode", "accepted:a boolean"] },
        { "upstream-message", "", ["channelId", "ephemeralPublicKey"] },
        { "stream-start", "", ["streamId", "channelId"] },
        { "stream-frame", "", ["streamId", "channelId"] },
        { "stream-end", "", ["streamId", "channelId"] },
        { "channel-subscribe", "", ["channelId"] },
        { "channel-owner-register", "", ["channelId"] },
        { "chunk_announce", "", ["?peerId", "chunks:an array"] },
        { "chunk_request", "", ["chunkId", "channelId"] },
        { "chunk_push", "", ["chunkId", "channelId"] },
        { "update_load", "", ["?peerId"] },
        { "heartbeat", "", ["?peerId"] },
        { "register_rendezvous", "", ["?peerId", "?relayId"] },
        { "attest_request", "", ["build_token", "device_id"] },
        { "attest_response", "", ["nonce", "responses:an array"] },
        { "ping", "", [] },
        { "get_relays", "", [] },
    };

    [Theory]
    [MemberData(nameof(Shapes))]
    public async Task Message_FieldMissingOrOfAnotherKind_NamesTheFirst(string type, string others, string[] required)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        var before = $"{{\"type\":\"{type}\"{(others.Length > 0 ? "," + others.TrimEnd(',') : "")}";
        foreach (var field in required)
        {
            var name = field.TrimStart('?').Split(':')[0];
            var kind = field.Contains(':', StringComparison.Ordinal) ? field.Split(':')[1] : "a string";
            string[] wrong = ["1", "{}", kind == "a string" ? "true" : "\"x\"", kind == "an array" ? "true" : "[]"];
            foreach (var value in wrong.Concat(field[0] == '?' ? [] : ["null"]))
            {
                await client.SendAsync($"{before},\"{name}\":{value}}}");
                await client.ExpectErrorAsync($"Invalid message: {type}: {name} must be {kind}");
            }

            if (field[0] != '?' && others.Length == 0)
            {
                await client.SendAsync(before + "}");
                await client.ExpectErrorAsync($"Invalid message: {type}: {name} must be {kind}");
            }

            var good = kind switch { "a string" => "\"x\"", "a boolean" => "true", _ => "[]" };
            before += field[0] == '?' ? "" : $",\"{name}\":{good}";
        }

        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("", ParseError)]
    [InlineData("{", ParseError)]
    [InlineData("hello", ParseError)]
    [InlineData("NaN", ParseError)]
    [InlineData("{'type':'ping'}", ParseError)]
    [InlineData("""{"type":"ping",}""", ParseError)]
    [InlineData("""{"type":"ping"} {"type":"ping"}""", ParseError)]
    [InlineData("""{"type":"ping"} // why""", ParseError)]
    [InlineData("null", NoObject)]
    [InlineData("1", NoObject)]
    [InlineData("\"ping\"", NoObject)]
    [InlineData("true", NoObject)]
    [InlineData("[]", NoType)]
    [InlineData("{}", NoType)]
    [InlineData("""{"type":1}""", NoType)]
    [InlineData("""{"type":null}""", NoType)]
    [InlineData("""{"Type":"ping"}""", NoType)]
    [InlineData("""{"type":"ping","type":1}""", NoType)]
    [InlineData("""{"type":""}""", "Unknown message type: ")]
    [InlineData("""{"type":"PING"}""", "Unknown message type: PING")]
    [InlineData("""{"type":"unknown"}""", "Unknown message type: unknown")]
    [InlineData("""{"type":"a\"b\u00e4+<"}""", "Unknown message type: a\"bä+<")]
    [InlineData("""{"type":"\ud800"}""", "Invalid message: Missing or invalid \"type\" field")]
    [InlineData("""{"type":"offer","target":"BBBBBB"}""", "Not registered. Send register message first.")]
    public async Task Message_OutOfShape_IsRefusedAndTheSocketStays(string message, string error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        foreach (var type in new[] { WebSocketMessageType.Text, WebSocketMessageType.Binary })
        {
            await client.SendAsync(message, type);
            await client.ExpectErrorAsync(error);
        }

        await client.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("""{"type":"ping"}""")]
    [InlineData(""" { "more" : [ 1e400 , {} ] , "type" : "ping" } """)]
    [InlineData("""{"type":"offer","type":"ping"}""")]
    [InlineData("""{"type":"p\u0069ng"}""")]
    [InlineData("""{"ty\u0070e":"ping"}""")]
    public async Task Ping_InAnySpelling_IsAnswered(string message)
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);

        await client.SendAsync(message, WebSocketMessageType.Binary);

        Assert.Equal("""{"type":"pong"}""", await client.ReceiveTextAsync());
    }

    // One byte more is among the hostile frames.
    [Fact]
    public async Task Message_OfTheGreatestSize_IsTaken()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);

        await client.SendAsync("""{"type":"ping"}""".PadRight(262_144));

        await client.ExpectAsync("pong");
        await client.ExpectNothingAsync();
    }

    [Fact]
    public async Task Message_NestedAsDeepAsItIsLong_IsRead()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);

        await client.SendAsync($$"""{"deep":{{new string('[', 131_000)}}{{new string(']', 131_000)}},"type":"ping"}""");
        Assert.Equal("""{"type":"pong"}""", await client.ReceiveTextAsync());

        await client.SendAsync($$"""{"type":"ping","deep":{{new string('[', 200_000)}}""");
        await client.ExpectErrorAsync(ParseError);
    }

    [Fact]
    public async Task BadUtf8_InBinary_IsAParseErrorAndInText_Closes1007()
    {
        await using var server = await RelayServer.StartAsync();
        await using var client = await TestClient.ConnectAsync(server);
        byte[] bad = [.. Encoding.ASCII.GetBytes("{\"type\":\"ping\",\"x\":\""), 0xC3, 0x28, .. Encoding.ASCII.GetBytes("\"}")];

        await client.Socket.SendAsync(bad, WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        await client.ExpectErrorAsync(ParseError);
        await client.Socket.SendAsync(bad, WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);

        Assert.Equal(1007, (await client.ExpectCloseAsync()).Code);
    }

    [Theory]
    [InlineData("\"AAAAAA\"", null)]
    [InlineData("\"\"", null)]
    [InlineData("null", null)]
    [InlineData("7", Mismatch)]
    [InlineData("false", Mismatch)]
    [InlineData("[\"AAAAAA\"]", Mismatch)]
    [InlineData("\"aaaaaa\"", Mismatch)]
    [InlineData("\"BBBBBB\"", Mismatch)]
    public async Task PeerId_OfARegisteredSocket_MustBeItsOwn(string peerId, string? error)
    {
        await using var server = await RelayServer.StartAsync();
        await using var stranger = await TestClient.ConnectAsync(server);
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        var ping = $$"""{"type":"ping","peerId":{{peerId}}}""";

        await stranger.SendAsync(ping);
        await stranger.ExpectAsync("pong");
        await client.SendAsync(ping);
        await (error is null ? client.ExpectAsync("pong") : client.ExpectErrorAsync(error));

        // Exempt: register, where it is a name of its own.
        await client.SendAsync($$"""{"type":"register","pairingCode":"AAAAAA","publicKey":"{{TestClient.Key("A")}}","peerId":{{peerId}}}""");
        await client.ExpectAsync("registered");
    }

    // In the reference network a window let twice as many through at its edge, and who went on was never closed.
    [Fact]
    public async Task Messages_101InAMinute_TheLastIsRefusedUntilTheBucketRefills()
    {
        const string Refused = "Rate limit exceeded. Please slow down.";
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(time: time);
        await using var client = await TestClient.ConnectAsync(server);
        for (var i = 0; i < 50; i++)
        {
            await client.ExpectNothingAsync();
            await client.SendAsync("not JSON");
            await client.ExpectErrorAsync(ParseError);
        }

        await client.SendAsync("not JSON");
        await client.ExpectErrorAsync(Refused);

        // 100 per 60 s: one each 0.6 s.
        time.Advance(TimeSpan.FromSeconds(0.6));
        await client.ExpectNothingAsync();
        for (var i = 2; i < 200; i++)
        {
            await client.SendAsync("""{"type":"ping"}""");
            await client.ExpectErrorAsync(Refused);
        }

        await client.SendAsync("""{"type":"ping"}""");
        await client.ExpectErrorAsync(Refused);
        Assert.Equal((1008, "Rate limit exceeded"), await client.ExpectCloseAsync());
    }

    // The minute of the refused messages is any minute, not one that begins with the first of them.
    [Fact]
    public async Task Messages_RefusedAcrossAWindowsEdge_CloseAtTheLimit()
    {
        var time = new FakeTimeProvider();
        await using var server = await RelayServer.StartAsync(
            settings => (settings.Sessions.MessagesPerMinute, settings.Sessions.RefusedMessagesPerMinute) = (2, 3), time);
        await using var client = await TestClient.RegisterAsync(server, "AAAAAA");
        await client.ExpectNothingAsync();
        foreach (var (wait, isRefused) in new[] { (0, true), (29.5, true), (31, false), (0, false), (0, true), (28, true) })
        {
            time.Advance(TimeSpan.FromSeconds(wait));
            await client.SendAsync("""{"type":"ping"}""");
            await client.ExpectAsync(isRefused ? "error" : "pong");
        }

        // The last three were refused within a minute; from the first to the third it was more.
        Assert.Equal((1008, "Rate limit exceeded"), await client.ExpectCloseAsync());
    }
}
