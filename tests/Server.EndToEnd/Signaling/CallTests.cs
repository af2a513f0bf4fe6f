using System.Diagnostics.Metrics;
using Relay.EndToEnd.Support;
using Relay.Telemetry;

namespace Relay.EndToEnd.Signaling;

/// <summary>call_offer, call_answer, call_reject, call_hangup and call_ice (docs/protocol.md, Calls).</summary>
[Trait("Clients", "Spread")]
public sealed class CallTests
{
    private const string Id = "0b9f2d6e-7c1a-4f3e-9a5b-1234567890ab";
    private const string BadPayload = "Missing or invalid payload";
    private const string BadId = "Invalid or missing callId (must be UUID v4 format)";
    private const string SdpTooLarge = "SDP too large (max 65536 bytes)";
    private const string CandidateTooLarge = "ICE candidate too large (max 1024 bytes)";

    /// <summary>Type, and a payload that is good: spelled in odd ways, with fields that nobody looks at.</summary>
    public static TheoryData<string, string> Calls => new()
    {
        { "call_offer", $$"""{"callId":"{{Id}}","sdp":"v=0\r\no=- 4611 2 IN IP4 127.0.0.1\r\n","withVideo":true}""" },
        { "call_answer", $$""" { "sdp" : "\u0076=0 \/ + < > & ' ä 😀" , "callId" : "{{Id.ToUpperInvariant()}}" } """.Trim() },
        { "call_reject", $$"""{"callId":"{{Id}}","reason":"elevated","sdp":7}""" },
        { "call_hangup", $$"""{"n":1.50,"big":1e400,"neg":-0,"c\u0061llId":"{{Id}}"}""" },
        { "call_ice", $$"""{"callId":"{{Id}}","candidate":"candidate:1 1 udp 2122260223 192.0.2.1 54321 typ host","sdpMLineIndex":0,"n":1,"n":2}""" },
    };

    [Theory]
    [MemberData(nameof(Calls))]
    public async Task Call_Good_ArrivesByteForByteAndInSilence(string type, string payload)
    {
        await using var server = await RelayServer.StartAsync();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        await SendAsync(a, type, $"\"payload\":{payload},\"target\":\"BBBBBB\",\"more\":[]");

        Assert.Equal($$"""{"type":"{{type}}","from":"AAAAAA","payload":{{payload}}}""", await b.ReceiveTextAsync());
        await a.ExpectNothingAsync();
    }

    [Theory]
    [InlineData("call_offer")]
    [InlineData("call_answer")]
    [InlineData("call_reject")]
    [InlineData("call_hangup")]
    [InlineData("call_ice")]
    public async Task Call_Mistaken_IsToldTheFirstMistake(string type)
    {
        await using var server = await RelayServer.StartAsync();
        await using var stranger = await TestClient.ConnectAsync(server);
        await SendAsync(stranger, type, "\"target\":\"\",\"payload\":null");
        await stranger.ExpectErrorAsync("Not registered. Send register message first.");

        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        foreach (var (fields, error) in Errors(type))
        {
            await SendAsync(a, type, fields);
            Assert.Equal((fields, error), (fields, (await a.ExpectAsync("error")).GetProperty("message").GetString()));
        }
    }

    /// <summary>In the order of the checks: each row has the next one's error too.</summary>
    private static IEnumerable<(string Fields, string Error)> Errors(string type)
    {
        yield return ("\"target\":\"\"", "Missing required field: target");
        yield return ("\"target\":\"AAAAA0\"", "Invalid target code format");
        yield return ("\"target\":\"ZZZZZZ\"", BadPayload);
        foreach (var payload in new[] { "null", "7", "true", "\"{}\"", "[]", $$"""[{"callId":"{{Id}}"}]""" })
        {
            yield return (To("ZZZZZZ", payload), BadPayload);
        }

        foreach (var id in new[] { "null", "7", "\"\"", "\"call-1\"", $"\"{Id} \"", $"[\"{Id}\"]", $"\"{Id.Replace("-4", "-1", StringComparison.Ordinal)}\"" })
        {
            yield return (To("ZZZZZZ", $$"""{"callId":{{id}}}"""), BadId);
        }

        yield return (To("ZZZZZZ", "{}"), BadId);
        yield return (To("ZZZZZZ", $$"""{"CallId":"{{Id}}"}"""), BadId);
        var (needed, missing, tooLarge, max) = type switch
        {
            "call_offer" or "call_answer" => ("sdp", $"Missing or invalid sdp in {type}", SdpTooLarge, 65_536),
            "call_ice" => ("candidate", "Missing or invalid candidate in call_ice", CandidateTooLarge, 1024),
            _ => ("reason", "", "", 0),
        };
        if (max > 0)
        {
            yield return (To("ZZZZZZ", $$"""{"callId":"{{Id}}"}"""), missing);
            foreach (var text in new[] { "null", "7", "\"\"", "{}", "[\"x\"]" })
            {
                yield return (To("ZZZZZZ", $$"""{"callId":"{{Id}}","{{needed}}":{{text}}}"""), missing);
            }

            yield return (To("ZZZZZZ", $$"""{"callId":"{{Id}}","{{needed}}":"{{new string('x', max + 1)}}"}"""), tooLarge);
        }

        yield return (To("ZZZZZZ", $$"""{"callId":"{{Id}}","{{needed}}":"x"}"""), "Peer not found: ZZZZZZ");
    }

    [Theory]
    [InlineData("call_offer", "sdp", 65_536, SdpTooLarge)]
    [InlineData("call_answer", "sdp", 65_536, SdpTooLarge)]
    [InlineData("call_ice", "candidate", 1024, CandidateTooLarge)]
    public async Task Call_OfTheGreatestLength_IsCountedInUtf16Units(string type, string field, int max, string error)
    {
        await using var server = await RelayServer.StartAsync(settings => settings.Sessions.MaxMessageBytes = 1 << 20);
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        // One unit each, in one to six bytes; the last is two units in four bytes.
        foreach (var (spelling, units) in new[] { ("x", 1), ("ä", 1), ("€", 1), ("\\n", 1), ("\\u20ac", 1), ("😀", 2) })
        {
            var longest = string.Concat(Enumerable.Repeat(spelling, max / units));
            await SendAsync(a, type, To("BBBBBB", $$"""{"callId":"{{Id}}","{{field}}":"{{longest}}"}"""));
            Assert.Equal(longest, (await b.ExpectAsync(type)).GetProperty("payload").GetProperty(field).GetRawText()[1..^1]);
            await SendAsync(a, type, To("BBBBBB", $$"""{"callId":"{{Id}}","{{field}}":"{{longest}}x"}"""));
            await a.ExpectErrorAsync(error);
        }
    }

    [Fact]
    public async Task Call_ForwardedEightTimes_IsTimedOnceLikeAnOffer()
    {
        const int Timed = 8;
        TestCluster.SkipWhereSpread("what goes to another relay is not timed");
        await using var server = await RelayServer.StartAsync();
        var meter = server.Get<RelayMetrics>().Meter;
        var forwarded = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter == meter && instrument.Name == "relay.forward.duration")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref forwarded));
        listener.Start();
        await using var a = await TestClient.RegisterAsync(server, "AAAAAA");
        await using var b = await TestClient.RegisterAsync(server, "BBBBBB");

        for (var i = 0; i < Timed; i++)
        {
            await SendAsync(a, "call_hangup", To("BBBBBB", $$"""{"callId":"{{Id}}"}"""));
            await b.ExpectAsync("call_hangup");
        }

        Assert.Equal(1, Volatile.Read(ref forwarded));
    }

    private static string To(string target, string payload) => $"\"target\":\"{target}\",\"payload\":{payload}";

    private static Task SendAsync(TestClient client, string type, string fields) => client.SendAsync($"{{\"type\":\"{type}\",{fields}}}");
}
