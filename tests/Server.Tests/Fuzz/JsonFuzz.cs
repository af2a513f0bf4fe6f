using System.Text;
using System.Text.Json;
using Relay.Protocol;

namespace Server.Tests.Fuzz;

/// <summary>A client's message, well-formed or not: it must say what a slow reader of whole documents says.</summary>
internal static class JsonFuzz
{
    private static readonly string[] Names = ["type", "target", "payload", "chunks", "n"];

    private static readonly FieldNames AllNames = new(Names);

    public static readonly FuzzTarget Target = new(
        "client messages",
        Try,
        FuzzTarget.Bytes(
            """{"type":"offer","target":"BBBBBB","payload":{"sdp":"v=0\r\n","type":"offer"}}""",
            """ { "ty\u0070e" : "ping" , "n" : -1.50e3 , "n" : 1e400 , "more" : [ true , false , null ] } """,
            """{"type":"\ud83d\ude00","target":"\ud800","\udc00":"\\ud800","payload":"\ude00\ud83d"}""",
            """{"type":"chunk_announce","chunks":[{"chunkId":"a"},[[]],{},"\u00e4"]}""",
            $$"""{"payload":{{new string('[', 70)}}{{new string(']', 70)}}}""",
            "[1]",
            "\"text\"",
            "-0",
            "null"),
        FuzzTarget.Bytes("{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0074", " ", "\"type\":", "\"n\":", "0", "1e9", "true", "null", "\u00C3\u00A4", "\u00FF", "[[[[", "]]]]"),
        JsonGrowth.Message);

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var bytes = input.ToArray();
        var difference = SlowJson.FindDifference(bytes, Names, out var kind);
        FuzzTarget.Promise(difference is null, difference ?? "");
        if (kind == JsonValueKind.Object)
        {
            Forward(bytes);
        }

        return kind switch
        {
            JsonValueKind.Undefined => "no JSON",
            JsonValueKind.Object => "object",
            _ => "other value",
        };
    }

    /// <summary>What is passed on is a slice of what came, and stands as such in a message of ours that every reader can read.</summary>
    private static void Forward(byte[] bytes)
    {
        ClientMessage.TryParse(bytes, AllNames, out var message);
        using (message)
        {
            var payload = message.Raw("payload");
            if (payload.IsEmpty)
            {
                return;
            }

            FuzzTarget.Promise(bytes.AsSpan().Overlaps(payload), "a payload is no slice of its message");
            foreach (var written in new[]
            {
                MessageWriter.Forward("offer", "AAAAAA", payload, receivedAt: 0),
                MessageWriter.Write(new ChunkContent("c", "d", new RawJson(payload.ToArray()), "cache"), ServerJson.Default.ChunkContent),
                MessageWriter.StreamFrame(payload, payload, payload, receivedAt: 0),
            })
            {
                using var read = JsonDocument.Parse(written.Bytes, SlowJson.AnyDepth);
                var passed = read.RootElement.EnumerateObject().Where(field => field.Name is "payload" or "data" or "frame").Select(field => field.Value.GetRawText());
                FuzzTarget.Promise(passed.SequenceEqual([Encoding.UTF8.GetString(payload)]), "a payload is passed on otherwise than it came");
                written.Return();
            }
        }
    }
}
