using System.Text;
using System.Text.Json;
using CsCheck;
using Relay.Chunks;
using Relay.Protocol;

namespace Server.Tests.Chunks;

public sealed class ChunkLengthTests
{
    [Theory]
    [InlineData("\"\"", 0)]
    [InlineData("\"abc\"", 3)]
    [InlineData("\"a b\\n\\t\\u0001\\\"\\\\\\/\"", 9)]
    [InlineData("\"äü€😀\"", 5)]
    [InlineData("\"\\u00e4\\ud83d\\ude00\\ud83d\"", 4)]
    [InlineData("{}", 2)]
    [InlineData("{ }", 2)]
    [InlineData(" [ 1 , 2.50 , true ]\r\n\t", 13)]
    [InlineData("""{"a":"b c"}""", 11)]
    [InlineData("""{ "a" : "b c" }""", 11)]
    [InlineData("""{"ä":"😀"}""", 10)]
    [InlineData("""{"a":"\u0041\u00e4\/"}""", 11)]
    [InlineData("""{"a":"\"\\\b\f\n\r\t"}""", 22)]
    [InlineData("""{"a":"\u0008\u000A\u0022\u005c"}""", 16)]
    [InlineData("""{"a":"\u0000\u001F\u007f"}""", 21)]
    [InlineData("null", 4)]
    public void Of_AnyValue_CountsTheUnitsOfItsShortestText(string json, int length) =>
        Assert.Equal(length, LengthOf(json));

    /// <summary>However a text is spelled, it is as long as what a reader gets; and nothing is longer than its bytes.</summary>
    [Fact]
    public void Of_AnyText_IsTheLengthOfWhatIsRead() =>
        Gen.Select(Gen.Char.Where(unit => !char.IsSurrogate(unit)), Gen.Bool).Array[0, 60].Sample(units =>
        {
            var json = new StringBuilder("\"");
            foreach (var (unit, escaped) in units)
            {
                json.Append(escaped || unit < ' ' || unit is '"' or '\\' ? $"\\u{(int)unit:x4}" : unit);
            }

            var text = JsonSerializer.Deserialize<string>(json.Append('"').ToString())!;
            Assert.Equal(text.Length, LengthOf(json.ToString()));

            // Inside another value its quotes and escapes count too.
            var array = $"[ {json} ]";
            Assert.InRange(LengthOf(array), text.Length + 4, Encoding.UTF8.GetByteCount(array));
        });

    private static int LengthOf(string json)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes($"{{\"data\":{json}}}"), Relay.ClientMessages.Fields, out var message));
        using (message)
        {
            return ChunkLength.Of(message.Value("data"));
        }
    }

    [Theory]
    [InlineData("\"12345\"", 5, true)]
    [InlineData("\"123456\"", 5, false)]
    [InlineData("[1, 2]", 5, true)]
    [InlineData("[1, 23]", 5, false)]
    [InlineData("1.50", 5, true)]
    [InlineData("", 5, false)]
    [InlineData("1,2", 5, false)]
    [InlineData("{\"", 5, false)]
    [InlineData("\"", 5, false)]
    public void IsWithin_BytesOfAnotherRelay_AreOneValueThatIsNotTooLong(string data, int max, bool isWithin) =>
        Assert.Equal(isWithin, ChunkLength.IsWithin(Encoding.UTF8.GetBytes(data), max));
}
