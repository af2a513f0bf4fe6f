using System.Text;
using System.Text.Json;
using CsCheck;
using Relay.Protocol;

namespace Server.Tests.Protocol;

public sealed class MinimalJsonEncoderTests
{
    private static readonly string[] Pieces = ["é", "€", "\u2028", "\ufeff", "\uffff", "😀", "\u007f", "\"", "\\", "/", "<&'+>", "\u001f", "\r\n\t\b\f"];

    private static readonly Gen<string> Texts = Gen.OneOf(
        Gen.Char['\0', '\u00ff'].Array[0, 40].Select(characters => new string(characters)),
        Gen.Int[0, Pieces.Length - 1].Select(piece => Pieces[piece]).Array[0, 20].Select(string.Concat));

    [Theory]
    [InlineData("\u007f\u0080\u2028\ufeff\uffff😀<>&'+/€")]
    [InlineData("plain")]
    [InlineData("")]
    public void Write_WhatJsonDoesNotAskFor_IsNotEscaped(string text) =>
        Assert.Equal($$"""{"type":"error","message":"{{text}}"}""", Written(text));

    [Theory]
    [InlineData("\"", "\\\"")]
    [InlineData("\\", "\\\\")]
    [InlineData("a\b\t\n\f\rb", "a\\b\\t\\n\\f\\rb")]
    [InlineData("\0\u001f€", "\\u0000\\u001f€")]
    public void Write_WhatJsonAsksFor_IsEscaped(string text, string expected) =>
        Assert.Equal($$"""{"type":"error","message":"{{expected}}"}""", Written(text));

    // No text of ours has one; it must not break the frame all the same.
    [Fact]
    public void Write_HalfAPair_IsReplaced() => Assert.Equal("{\"type\":\"error\",\"message\":\"a\ufffdb\"}", Written("a\ud800b"));

    [Fact]
    public void Write_AnyText_SaysTheSameInTheLengthThatIsKnown() => Texts.Sample(text =>
    {
        var written = Written(text);
        return JsonDocument.Parse(written).RootElement.GetProperty("message").GetString() == text
            && Encoding.UTF8.GetByteCount(written) == """{"type":"error","message":}""".Length + MinimalJsonEncoder.LengthOf(text);
    });

    /// <summary>What a client sends comes back in no more bytes, however it spells it.</summary>
    [Fact]
    public void Write_TextAsAClientSpellsIt_DoesNotGrow() => Texts.Sample(text =>
    {
        var spelled = new StringBuilder("\"");
        foreach (var character in text)
        {
            spelled.Append(character < ' ' ? $"\\u{(int)character:X4}" : character is '"' or '\\' ? $"\\{character}" : character);
        }

        var sent = Encoding.UTF8.GetBytes(spelled.Append('"').ToString());
        return JsonText.Decode(sent) == text && MinimalJsonEncoder.LengthOf(text) <= sent.Length;
    });

    private static string Written(string text)
    {
        var message = MessageWriter.Error(text);
        var written = Encoding.UTF8.GetString(message.Bytes.Span);
        message.Return();
        return written;
    }
}
