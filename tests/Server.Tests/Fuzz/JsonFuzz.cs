using System.Text.Json;

namespace Server.Tests.Fuzz;

/// <summary>A client's message, well-formed or not: it must say what a slow reader of whole documents says.</summary>
internal static class JsonFuzz
{
    private static readonly string[] Names = ["type", "target", "payload", "chunks", "n"];

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
        FuzzTarget.Bytes("{", "}", "[", "]", ":", ",", "\"", "\\", "\\u", "\\ud800", "\\udc00", "\\u0074", " ", "\"type\":", "\"n\":", "0", "1e9", "true", "null", "\u00C3\u00A4", "\u00FF", "[[[[", "]]]]"));

    private static string Try(ReadOnlySpan<byte> input, FuzzInputs random)
    {
        var difference = SlowJson.FindDifference(input.ToArray(), Names, out var kind);
        FuzzTarget.Promise(difference is null, difference ?? "");
        return kind switch
        {
            JsonValueKind.Undefined => "no JSON",
            JsonValueKind.Object => "object",
            _ => "other value",
        };
    }
}
