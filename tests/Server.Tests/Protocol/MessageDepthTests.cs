using System.Text;
using CsCheck;
using Relay;
using Relay.Protocol;
using Server.Tests.Fuzz;

namespace Server.Tests.Protocol;

/// <summary>Messages as deep as they are long, and texts that are no Unicode.</summary>
public sealed class MessageDepthTests
{
    private const int MaxBytes = 262_144;

    private static readonly string[] Names = ["a", "type", "p", "other"];

    private static readonly FieldNames Fields = new([.. Names, .. ClientMessages.All.SelectMany(definition => definition.Fields, (_, field) => field.Name)]);

    private static readonly Gen<string> Texts = Gen.OneOf("a", "type", "p", "ty\\u0070e", "\\u0061", "\\ud800", "\\udc00x", "\\ud83d\\ude00", "\\\\ud800", "\\\"", "\u00e4", "");

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{\"a\":", "}")]
    [InlineData("[{\"\\u0061\":", "}]")]
    public void Payload_AsDeepAsAMessageIsLong_IsByteForByte(string open, string close)
    {
        var payload = Nested(open, close, MaxBytes - 40);
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes($"{{\"p\":{payload},\"type\":\"offer\"}}"), Fields, out var message));
        using (message)
        {
            Assert.Equal("offer", message.Text("type"));
            Assert.True(message.Raw("p").SequenceEqual(Encoding.UTF8.GetBytes(payload)));
        }
    }

    [Theory]
    [InlineData("[")]
    [InlineData("{\"a\":")]
    public void TryParse_DeepAndUnfinished_IsFalse(string open)
    {
        var json = new StringBuilder().Insert(0, open, MaxBytes / open.Length).ToString();
        Assert.False(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), Fields, out _));
    }

    /// <summary>Four times the bytes cost about four times the time; a cost by the square would be sixteen.</summary>
    [Theory]
    [InlineData("[", "]", 1)]
    [InlineData("{\"a\":", "}", 1)]
    [InlineData("[", "]", 60)]
    [InlineData("{\"a\":1,\"\\u0061\":", "}", 2)]
    public void TryParse_FourTimesAsLong_CostsNotTheSquare(string open, string close, int many)
    {
        var small = Message(MaxBytes / 4);
        var large = Message(MaxBytes);

        // In turns, as the code gets quicker while it runs.
        var (quickSmall, quickLarge) = (double.MaxValue, double.MaxValue);
        for (var round = 0; round < 200; round++)
        {
            quickSmall = Math.Min(quickSmall, Cost(small));
            quickLarge = Math.Min(quickLarge, Cost(large));
        }

        TestContext.Current.SendDiagnosticMessage($"{large.Length} bytes: {quickLarge * 1000:F2} ms");
        Assert.InRange(quickLarge / quickSmall, 0, 9);

        // Once as deep as it is long, or a list of many that are 60 deep.
        byte[] Message(int bytes) => Encoding.UTF8.GetBytes(many == 60
            ? $"{{\"p\":[{string.Join(',', Enumerable.Repeat(Nested(open, close, 120), bytes / 121))}]}}"
            : $"{{\"p\":{Nested(open, close, bytes)}}}");
    }

    /// <summary>A message as clients send it allocates nothing; the deepest one a bit for each level, twice at most.</summary>
    [Fact]
    public void TryParse_AnyDepth_AllocatesLittle()
    {
        Assert.Equal(0, Allocated("{\"type\":\"offer\",\"target\":\"BBBBBB\",\"payload\":{\"sdp\":[[[{}]]]}}"));
        Assert.InRange(Allocated($"{{\"p\":{Nested("[", "]", MaxBytes - 10)}}}"), 0, MaxBytes / 2);
    }

    /// <summary>However many keys a message has that nobody asks for, or however often it repeats one that somebody does, it is parsed in the memory of a small one.</summary>
    [Theory]
    [InlineData("\"k{0}\":1")]
    [InlineData("\"\\u006b{0}\":1")]
    [InlineData("\"type\":{0}")]
    [InlineData("\"\\ud800{0}\":1")]
    public void TryParse_ManyTopLevelKeys_AllocatesAndRentsNothingMore(string member)
    {
        var json = new StringBuilder("{");
        for (var i = 0; json.Length < MaxBytes - 60; i++)
        {
            json.AppendFormat(System.Globalization.CultureInfo.InvariantCulture, member, i).Append(',');
        }

        Assert.Equal(0, Allocated(json.Append("\"type\":\"ping\"}").ToString()));
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json.ToString()), Fields, out var message));
        using (message)
        {
            Assert.Equal("ping", message.Text("type"));
            Assert.InRange(message.RentedFields, 1, 64);
        }
    }

    [Fact]
    public void Value_NameThatWasNotParsedFor_IsABug()
    {
        Assert.True(ClientMessage.TryParse("{}"u8.ToArray(), Fields, out var message));
        using (message)
        {
            Assert.Throws<ArgumentException>(() => message.Has("no such field"));
        }
    }

    [Fact]
    public void Fields_AnyJson_AreWhatASlowReaderSays()
    {
        var value = Gen.Recursive<string>((depth, inner) => depth > 4
            ? Scalars()
            : Gen.OneOf(
                Scalars(),
                inner.Array[0, 4].Select(items => $"[ {string.Join(" ,", items)}]"),
                Gen.Select(Texts, inner).Array[0, 5].Select(fields => $"{{{string.Join(", ", fields.Select(field => $"\"{field.Item1}\" :{field.Item2}"))} }}")));
        value.Sample(json => Assert.Null(SlowJson.FindDifference(Encoding.UTF8.GetBytes(json), Names, out _)));

        static Gen<string> Scalars() => Gen.OneOf(
            Gen.OneOf("0", "-1.5e3", "1e400", "true", "false", "null"), Texts.Select(text => $"\"{text}\""));
    }

    [Theory]
    [InlineData("{\"type\":\"\\ud800\"}", "Missing or invalid \"type\" field")]
    [InlineData("{\"type\":\"offer\",\"target\":\"\\udc00\\ud800\"}", "offer: target must be a string")]
    [InlineData("{\"type\":\"heartbeat\",\"peerId\":\"\\ud800\"}", "heartbeat: peerId must be a string")]
    [InlineData("{\"\\ud800\":1,\"type\":\"ping\"}", null)]
    [InlineData("{\"\\u0074ype\":\"ping\"}", null)]
    [InlineData("{\"type\":\"offer\",\"target\":\"\\ud83d\\ude00\",\"payload\":\"\\ud800\"}", null)]
    public void Check_HalfASurrogatePair_IsOfTheWrongTypeWhereItIsRead(string json, string? error)
    {
        Assert.True(ClientMessage.TryParse(Encoding.UTF8.GetBytes(json), Fields, out var message));
        using (message)
        {
            Assert.Equal(error, ClientMessages.Check(message, out _));
        }
    }

    private static string Nested(string open, string close, int bytes)
    {
        var levels = (bytes - 1) / (open.Length + close.Length);
        return new StringBuilder().Insert(0, open, levels).Append('1').Insert(levels * open.Length + 1, close, levels).ToString();
    }

    // In seconds.
    private static double Cost(byte[] json)
    {
        var before = TimeProvider.System.GetTimestamp();
        Assert.True(ClientMessage.TryParse(json, Fields, out var message));
        message.Dispose();
        return TimeProvider.System.GetElapsedTime(before).TotalSeconds;
    }

    private static long Allocated(string text)
    {
        var json = Encoding.UTF8.GetBytes(text);
        Cost(json);
        var before = GC.GetAllocatedBytesForCurrentThread();
        var isJson = ClientMessage.TryParse(json, Fields, out var message);
        message.Dispose();
        Assert.True(isJson);
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }
}
