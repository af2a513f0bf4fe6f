using System.Text;
using CsCheck;
using Relay.Federation;

namespace Server.Tests.Federation;

public sealed class CanonicalJsonTests
{
    [Theory]
    [InlineData("{}", "{}")]
    [InlineData(" { \"b\" : 1 ,\n\t\"a\" : [ ] } ", "{\"b\":1,\"a\":[]}")]
    [InlineData("""{"a":[1,"x",true,false,null,{"b":[[]]}]}""", """{"a":[1,"x",true,false,null,{"b":[[]]}]}""")]
    // What relaxed JSON writers escape and JavaScript does not.
    [InlineData("""{"a":"+<>&'/`=\u007f"}""", "{\"a\":\"+<>&'/`=\u007f\"}")]
    [InlineData("""{"a":"\u002b\u003C\u003e\u0026\u0027\/"}""", """{"a":"+<>&'/"}""")]
    [InlineData("""{"a":"é\u00e9日本\ud83d\ude00😀"}""", """{"a":"éé日本😀😀"}""")]
    [InlineData("""{"a":"\u2028\u2029\u00a0\ufeff\u0085"}""", "{\"a\":\"\u2028\u2029\u00a0\ufeff\u0085\"}")]
    [InlineData("""{"a":"\u0022\u005C\u0008\u000c\u000a\u000D\u0009"}""", """{"a":"\"\\\b\f\n\r\t"}""")]
    [InlineData("""{"a":"\"\\\b\f\n\r\t"}""", """{"a":"\"\\\b\f\n\r\t"}""")]
    [InlineData("""{"a":"\u0000\u0001\u001F\u000B"}""", """{"a":"\u0000\u0001\u001f\u000b"}""")]
    [InlineData("""{"a":"\uD800","b":"x\uDFFFy","c":"\uDC00\uD800"}""", """{"a":"\ud800","b":"x\udfffy","c":"\udc00\ud800"}""")]
    [InlineData("""{"\u0061\n":1,"é":2,"":3}""", """{"a\n":1,"é":2,"":3}""")]
    // JavaScript puts keys that are array indexes first.
    [InlineData("""{"b":1,"10":2,"a":3,"2":4,"01":5,"-1":6,"4294967295":7,"4294967294":8}""", """{"2":4,"10":2,"4294967294":8,"b":1,"a":3,"01":5,"-1":6,"4294967295":7}""")]
    [InlineData("""{"b":1,"2\u0000":2}""", """{"b":1,"2\u0000":2}""")]
    [InlineData("""{"__proto__":{"a":1},"constructor":2}""", """{"__proto__":{"a":1},"constructor":2}""")]
    public void TryWriteObject_Good_IsWhatJavaScriptWrites(string json, string expected) => Assert.Equal(expected, Write(json));

    [Theory]
    [InlineData("0", "0")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "0")]
    [InlineData("1700000000000", "1700000000000")]
    [InlineData("1.0", "1")]
    [InlineData("1.50", "1.5")]
    [InlineData("1.7e12", "1700000000000")]
    [InlineData("-1.5E-3", "-0.0015")]
    [InlineData("0.1", "0.1")]
    [InlineData("100", "100")]
    [InlineData("0.000001", "0.000001")]
    [InlineData("0.0000001", "1e-7")]
    [InlineData("1.5e-7", "1.5e-7")]
    [InlineData("123456789012345680000", "123456789012345680000")]
    [InlineData("1e20", "100000000000000000000")]
    [InlineData("1e21", "1e+21")]
    [InlineData("1e23", "1e+23")]
    [InlineData("1.25e25", "1.25e+25")]
    [InlineData("9007199254740991", "9007199254740991")]
    [InlineData("9007199254740993", "9007199254740992")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("0.30000000000000004", "0.30000000000000004")]
    [InlineData("123.456", "123.456")]
    [InlineData("1e-400", "0")]
    public void TryWriteObject_Number_IsWhatJavaScriptWrites(string number, string expected) =>
        Assert.Equal($"{{\"a\":{expected}}}", Write($"{{\"a\":{number}}}"));

    [Theory]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("[]")]
    [InlineData("\"a\"")]
    [InlineData("1")]
    [InlineData("null")]
    [InlineData("{")]
    [InlineData("{}{}")]
    [InlineData("{} x")]
    [InlineData("{\"a\":1,}")]
    [InlineData("{\"a\":1 /* no */}")]
    [InlineData("{a:1}")]
    [InlineData("{'a':1}")]
    [InlineData("\ufeff{}")]
    [InlineData("{\"a\":01}")]
    [InlineData("{\"a\":NaN}")]
    [InlineData("{\"a\":1e400}")]
    [InlineData("{\"a\":-1e400}")]
    [InlineData("{\"a\":\"\\x\"}")]
    [InlineData("{\"a\":\"\\u00g0\"}")]
    [InlineData("{\"a\":\"\n\"}")]
    [InlineData("{\"a\":1,\"a\":2}")]
    [InlineData("{\"a\":1,\"\\u0061\":2}")]
    [InlineData("{\"b\":{\"a\":1,\"a\":1}}")]
    [InlineData("{\"type\":1,\"type\":2}")]
    [InlineData("{\"1\":1,\"\\u0031\":2}")]
    [InlineData("{\"a\":[[[[[[[[[[1]]]]]]]]]]}")]
    public void TryWriteObject_NotWanted_IsFalse(string json) =>
        Assert.False(CanonicalJson.TryWriteObject(Encoding.UTF8.GetBytes(json), ["type"], out _));

    [Theory]
    [InlineData(new byte[] { 0xFF })]
    [InlineData(new byte[] { 0xC0, 0x80 })]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 })]
    [InlineData(new byte[] { 0xE2, 0x82 })]
    public void TryWriteObject_NotUtf8_IsFalse(byte[] inside) =>
        Assert.False(CanonicalJson.TryWriteObject([.. "{\"a\":\""u8, .. inside, .. "\"}"u8], [], out _));

    [Fact]
    public void TryWriteObject_Dropped_GoesOnlyAtTheTop() => Assert.Equal(
        """{"a":{"type":1,"signature":2},"b":3}""",
        Write("""{"type":"x","a":{"type":1,"signature":2},"b":3,"s\u0069gnature":"y"}"""));

    [Fact]
    public void TryWriteObject_OwnOutput_StaysAsItIs() => Gen.String.Array.Sample(strings =>
    {
        var json = System.Text.Json.JsonSerializer.Serialize(new { a = strings });
        var once = Write(json);
        return Write(once) == once;
    });

    [Fact]
    public void TryWriteObject_AnyBytes_DoesNotThrow() => Gen.Byte.Array.Sample(bytes =>
    {
        CanonicalJson.TryWriteObject(bytes, [], out _);
        CanonicalJson.TryWriteObject([.. "{\"a\":"u8, .. bytes, .. "}"u8], [], out _);
    });

    private static string Write(string json)
    {
        Assert.True(CanonicalJson.TryWriteObject(Encoding.UTF8.GetBytes(json), ["type", "signature"], out var canonical));
        return Encoding.UTF8.GetString(canonical);
    }
}
