using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using CsCheck;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed class ClientMessageTests
{
    private static readonly JsonSerializerOptions Relaxed = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly FieldNames Fields = new("n", "a", "b", "p", "t");

    // In the reference network names of any kind and length went through.
    public static TheoryData<string, string?> Names => new()
    {
        { "\"Ann\"", "Ann" },
        { "\"  Ann\\t\\n\"", "Ann" },
        { "\"\"", null },
        { "\"   \"", null },
        { "null", null },
        { "7", null },
        { "[\"Ann\"]", null },
        { $"\"{new string('x', 128)}\"", new string('x', 128) },
        { $"\"{new string('x', 129)}\"", new string('x', 128) },
        { $"\"{new string('x', 127)}\U0001F600\"", new string('x', 127) },
        { $"\"{new string('x', 126)}\U0001F600y\"", new string('x', 126) + "\U0001F600" },
        { "\"a\\ud800b\"", null },
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void DisplayText_Value_IsTrimmedAndCut(string value, string? expected) =>
        Assert.Equal(expected, Read($"{{\"n\":{value}}}", message => message.DisplayText("n")));

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("{} {}")]
    [InlineData("{'a':1}")]
    [InlineData("{\"a\":1,}")]
    [InlineData("/**/{}")]
    [InlineData("NaN")]
    public void TryParse_NoJson_IsFalse(string text) => Assert.False(ClientMessage.TryParse(Encoding.UTF8.GetBytes(text), Fields, out _));

    [Fact]
    public void TryParse_NoUtf8_IsFalse() => Assert.False(ClientMessage.TryParse(new byte[] { (byte)'"', 0xFF, (byte)'"' }, Fields, out _));

    [Fact]
    public void Fields_DuplicateKeys_TheLastCounts()
    {
        const string Json = "{\"a\":\"1\",\"a\":\"2\",\"b\":false,\"b\":true}";
        Assert.Equal("2", Read(Json, message => message.Text("a")));
        Assert.Equal("\"2\"", Read(Json, message => Encoding.UTF8.GetString(message.Raw("a"))));
        Assert.Equal("true", Read(Json, message => message.IsTrue("b").ToString().ToLowerInvariant()));
    }

    [Theory]
    [InlineData("{\"p\": { \"a\" : 1.0 , \"\\u0061\":\"\\/\" } }", "{ \"a\" : 1.0 , \"\\u0061\":\"\\/\" }")]
    [InlineData("{\"p\":1e2}", "1e2")]
    [InlineData("{\"p\":null}", "null")]
    [InlineData("{\"q\":1}", "")]
    public void Raw_Payload_IsByteForByte(string json, string expected) =>
        Assert.Equal(expected, Read(json, message => Encoding.UTF8.GetString(message.Raw("p"))));

    [Theory]
    [InlineData("", 0)]
    [InlineData("abc", 3)]
    [InlineData("\u00e4\u20ac", 2)]
    [InlineData("\U0001F600", 2)]
    [InlineData("\\n\\\"\\\\\\/", 4)]
    [InlineData("\\\\u00e4", 6)]
    [InlineData("\\u00e4\\\\", 2)]
    [InlineData("\\ud83d\\ude00x", 3)]
    [InlineData("\\ud800", 1)]
    public void LengthOf_Spelling_IsInUtf16Units(string spelling, int expected) =>
        Assert.Equal($"{expected}", Read($"{{\"t\":\"{spelling}\"}}", message => $"{message.Value("t").TextLength}"));

    [Fact]
    public void LengthOf_AnyText_IsTheTextsLength() =>
        Gen.Select(Gen.String, Gen.Bool).Sample((text, escaped) =>
        {
            var json = JsonSerializer.Serialize(text, escaped ? null : Relaxed);
            Read($"{{\"t\":{json}}}", message =>
            {
                Assert.Equal(message.Text("t")!.Length, message.Value("t").TextLength);
                return null;
            });
        });

    private static string? Read(string json, Func<ClientMessage, string?> read)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), Fields, out var message));
        using (message)
        {
            return read(message);
        }
    }
}
